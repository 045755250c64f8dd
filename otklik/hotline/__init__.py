"""The consultation line: calls of the exchange, consultations by script, calls nobody answered, the ЕКЦ."""
