"""An evaluation on disk: metrics.json, clips.csv, frames.csv, and a page for people, report.html."""
