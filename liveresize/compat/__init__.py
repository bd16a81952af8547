"""The two published services that liveresize replaces, one folder each."""
