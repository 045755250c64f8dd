"""Personal reception: who may receive, where and when; appointments; the front office; the card and its outcomes."""
