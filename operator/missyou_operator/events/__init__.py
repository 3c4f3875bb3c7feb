"""What AWS tells of its own accord: events by EventBridge, through a queue of SQS. Pure, but for `installing`.

`notice` reads a message into a `Notice`: who did what, when, to which resources. `index` knows which stack's resource
an ID, ARN or name means, so that a notice becomes types to read (`Touched`), and nothing else: a message, whoever wrote
it, causes a read and never a change. `deeds` remembers who did it, for `status.drift`. `declaration` is what has to be
in an account for events to come: rules and a queue, as data.
"""
