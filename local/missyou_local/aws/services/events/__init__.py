"""EventBridge, and CloudTrail's part in it: events of calls and of changes of state, into the queues of rules.

Nothing is done in an account and region without a rule.
"""
