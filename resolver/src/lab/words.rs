//! What a report's marks are called, wherever it is shown.

use namesake::lab::{Grade, Mark, Section};

pub(crate) const fn heading(section: Section) -> &'static str {
    match section {
        Section::Rules => "The rules",
        Section::Beliefs => "What people believe",
        Section::Names => "Names that change hands",
        Section::Failures => "When something fails",
        Section::Power => "Who has the last word",
    }
}

pub(crate) const fn grade_words(grade: Grade) -> &'static str {
    match grade {
        Grade::Observed => "observed",
        Grade::Documented => "documented",
        Grade::YourNumber => "your number",
        Grade::Unknown => "unknown",
    }
}

pub(crate) const fn mark_words(mark: Mark) -> &'static str {
    match mark {
        Mark::Holds => "holds",
        Mark::Outdated => "outdated",
        Mark::Unconfirmed => "unconfirmed",
    }
}
