"""What a CI run says where people review: comments, issues, statuses.

posting.py        which comment or issue is ours, and whether it's written
marker.py         the first line of those, by which they are found again
digest_status.py  a plan's digest, handed from one job to a later one
host.py           what a host is to a run: its context, and the questions it answers
hosts/            GitHub and GitLab
"""
