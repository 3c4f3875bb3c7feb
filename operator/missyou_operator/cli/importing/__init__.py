"""`missyou import`: from what somebody else made in AWS to a MissYouApp that owns it.

tfstate.py   Terraform's state: which resources it lists, without any value that may be secret
facts.py     what AWS says about a VPC and what lives in it
survey.py    what each of it is called in a stack, and the spec that describes it (pure)
claim.py     the differences that stay, and the tags that make it the stack's
forget.py    what makes Terraform forget it (pure)
report.py    what a person reads (pure)
command.py   the command
"""
