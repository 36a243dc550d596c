"""The public page that shows a mail in the browser (F7)."""
