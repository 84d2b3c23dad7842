"""The workspace's own website: its snippet, and the visits of people who are known there."""
