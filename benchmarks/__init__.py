"""What a plan costs, beside the least that it could cost. See README.md."""
