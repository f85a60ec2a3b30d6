"""An evaluation on disk: metrics.json, clips.csv, frames.csv, and a page for people, report.html."""

METRICS, CLIPS, FRAMES, PAGE = "metrics.json", "clips.csv", "frames.csv", "report.html"
