"""Webhooks: other systems are told what became of messages and appeals, by signed calls to their addresses."""
