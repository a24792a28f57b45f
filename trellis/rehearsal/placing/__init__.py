"""What the act `placement` is made of: the stage, the pods, why they wait, and what GPUs it leaves idle."""
