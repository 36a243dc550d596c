"""What visitors without a personal link ask for, until they prove their address.

`mailing_links` mails a link to those who are known; `requesting` a sign-up, then
`confirming` it; `proof_of_work` keeps bots out.
"""
