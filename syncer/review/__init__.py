"""What a CI run says where people review.

posting   which comment, issue or status is ours, and whether it's written
hosts     what GitHub and GitLab call things, and how they are asked
"""
