//! Tables for the verdicts.
