"""The last check, the hand-over of messages, and files of what others handed over."""
