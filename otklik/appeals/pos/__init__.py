"""Messages of ПОС as appeals: their term, their lane, the dictionary of facts. Exports themselves are a channel's."""
