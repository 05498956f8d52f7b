//! A calculator for the reader's own numbers. There is no default: what was not typed in stays the reader's number.

use std::collections::BTreeMap;

use maud::{Markup, html};
use namesake::lab::{ColumnInfo, Report};

use super::{class, name, row};

/// The largest number that is computed with.
const MAX_NUMBER: f64 = 1e9;

/// The most characters of a number that are read, and shown again.
const MAX_CHARACTERS: usize = 24;

const USERS: &str = "users";
const RENAMES: &str = "renames";
const STEP_MINUTES: &str = "step-minutes";
const SUPPORT_MINUTES: &str = "support-minutes";
const HOUR_PRICE: &str = "hour-price";
const DOMAIN_PRICE: &str = "domain-price";
const LOST: &str = "lost-";

const INPUTS: &[(&str, &str)] = &[
    (USERS, "People with a name"),
    (RENAMES, "Changes of name, per 1000 people and year"),
    (STEP_MINUTES, "Minutes for one step of a change"),
    (SUPPORT_MINUTES, "Minutes of support for a lost name"),
    (HOUR_PRICE, "Price of an hour of support"),
    (DOMAIN_PRICE, "Price of a domain, per year"),
];

/// What a reader typed in, by the name of the input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers(BTreeMap<String, String>);

impl Numbers {
    /// The names of all inputs.
    pub fn names(report: &Report) -> impl Iterator<Item = String> + '_ {
        inputs(report).map(|(name, _)| name)
    }

    /// Takes what was typed into an input; nothing, where that is blank.
    pub fn set(&mut self, name: String, text: &str) {
        let text: String = text.trim().chars().take(MAX_CHARACTERS).collect();
        if !text.is_empty() {
            self.0.insert(name, text);
        }
    }

    /// The number, or why there is none.
    fn number(&self, name: &str) -> Result<f64, Missing> {
        let text = self.0.get(name).ok_or(Missing::Blank)?;
        let number = text.parse().ok().filter(|number| (0.0..=MAX_NUMBER).contains(number));
        number.ok_or(Missing::NoNumber)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Blank,
    NoNumber,
}

fn inputs(report: &Report) -> impl Iterator<Item = (String, String)> + '_ {
    let fixed = INPUTS.iter().map(|(name, label)| ((*name).to_owned(), (*label).to_owned()));
    fixed.chain(report.columns.iter().map(|column| {
        (format!("{LOST}{}", column.id), format!("Names lost under {}, per 1000 people and year", column.id))
    }))
}

/// A cost: what it is, how it is computed, and a column's factors.
struct Cost {
    title: &'static str,
    formula: &'static str,
    amount: fn(&Report, &ColumnInfo, &Numbers) -> Amount,
}

#[derive(Debug, Clone, PartialEq)]
enum Amount {
    Of(f64),
    /// It needs these inputs.
    YourNumbers(Vec<String>),
    Nothing(&'static str),
}

const COSTS: &[Cost] = &[
    Cost {
        title: "Hours of holders for changes, per year",
        formula: "people × changes ÷ 1000 × steps (observed) × minutes for one step ÷ 60",
        amount: |report, column, numbers| match steps(report, &column.id) {
            Some(steps) => product(numbers, &[USERS, RENAMES, STEP_MINUTES], steps / 1000.0 / 60.0),
            None => Amount::Nothing("the steps were not observed"),
        },
    },
    Cost {
        title: "Support for lost names, per year",
        formula: "people × names lost ÷ 1000 × minutes of support ÷ 60 × price of an hour",
        amount: |_, column, numbers| {
            let lost = format!("{LOST}{}", column.id);
            product(numbers, &[USERS, &lost, SUPPORT_MINUTES, HOUR_PRICE], 1.0 / 1000.0 / 60.0)
        },
    },
    Cost {
        title: "Domains of holders, per year",
        formula: "people × price of a domain, where signing up takes one (observed)",
        amount: |report, column, numbers| match needs_domain(report, &column.id) {
            true => product(numbers, &[USERS, DOMAIN_PRICE], 1.0),
            false => Amount::Nothing("none is needed"),
        },
    },
];

/// In how many steps a change was observed.
fn steps(report: &Report, column: &str) -> Option<f64> {
    row(report, "time-to-change")?.observed.get(column)?.split(' ').next()?.parse().ok()
}

fn needs_domain(report: &Report, column: &str) -> bool {
    let seen = row(report, "sign-up").and_then(|row| row.observed.get(column));
    seen.is_some_and(|text| text.contains("register a domain"))
}

fn product(numbers: &Numbers, names: &[&str], constant: f64) -> Amount {
    let (mut amount, mut missing) = (constant, Vec::new());
    for name in names {
        match numbers.number(name) {
            Ok(number) => amount *= number,
            Err(_) => missing.push((*name).to_owned()),
        }
    }
    if missing.is_empty() { Amount::Of(amount) } else { Amount::YourNumbers(missing) }
}

pub(super) fn section(report: &Report, columns: &[String], numbers: &Numbers) -> Markup {
    html! {
        section aria-labelledby="costs" {
            h2 #costs { "Costs, with your numbers" }
            p { "Nothing is assumed: what you leave empty stays “your number”. Prices are in whatever currency you type them in; the address of the result can be sent to somebody." }
            form.calculator action="/compare#costs" method="get" {
                @if !columns.is_empty() { input type="hidden" name="columns" value=(columns.join(",")); }
                div.inputs { @for (name, label) in inputs(report) { (input(&name, &label, numbers)) } }
                div.actions {
                    button.button.strong type="submit" { "Compute" }
                    a.button href="/compare#costs" { "Clear" }
                }
            }
            (results(report, numbers))
        }
    }
}

fn input(name: &str, label: &str, numbers: &Numbers) -> Markup {
    let id = format!("cost-{name}");
    let wrong = numbers.number(name) == Err(Missing::NoNumber);
    html! {
        div {
            label for=(id) { (label) }
            input id=(id) name=(name) type="text" inputmode="decimal" autocomplete="off" maxlength=(MAX_CHARACTERS)
                value=[numbers.0.get(name)] aria-invalid=[wrong.then_some("true")]
                aria-describedby=[wrong.then(|| format!("{id}-wrong"))];
            @if wrong { p.wrong id={ (id) "-wrong" } { "Not a number from 0 to 1000000000, such as 1200 or 0.5." } }
        }
    }
}

fn results(report: &Report, numbers: &Numbers) -> Markup {
    html! {
        table.rules role="table" aria-labelledby="costs" {
            thead role="rowgroup" {
                tr role="row" {
                    th role="columnheader" scope="col" { "Cost" }
                    @for column in &report.columns { th role="columnheader" scope="col" class=(class(column)) { (name(column)) } }
                }
            }
            tbody role="rowgroup" {
                @for cost in COSTS {
                    tr role="row" {
                        th role="rowheader" scope="row" { (cost.title) span.hint { (cost.formula) } }
                        @for column in &report.columns {
                            td role="cell" class=(class(column)) {
                                span.of aria-hidden="true" { b { (column.id) } " " (column.title) }
                                (amount(report, &(cost.amount)(report, column, numbers)))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn amount(report: &Report, amount: &Amount) -> Markup {
    match amount {
        Amount::Of(number) => html! { b { (figure(*number)) } },
        Amount::Nothing(why) => html! { (why) },
        Amount::YourNumbers(missing) => html! {
            span.grade.yours { "your number" }
            span.hint {
                "needs: "
                @for (place, name) in missing.iter().enumerate() {
                    @if place > 0 { "; " }
                    @let label = inputs(report).find(|(other, _)| other == name).map(|(_, label)| label);
                    a href={ "#cost-" (name) } { (label.unwrap_or_default()) }
                }
            }
        },
    }
}

/// Two decimals at most, and thousands apart.
fn figure(number: f64) -> String {
    let text = format!("{number:.2}");
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    match part.trim_end_matches('0') {
        "" => out,
        part => format!("{out}.{part}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(typed: &[(&str, &str)]) -> Numbers {
        let mut numbers = Numbers::default();
        typed.iter().for_each(|(name, text)| numbers.set((*name).to_owned(), text));
        numbers
    }

    #[test]
    fn what_is_blank_stays_the_readers() {
        let typed = numbers(&[(USERS, "2000"), (DOMAIN_PRICE, "  ")]);
        assert_eq!(
            product(&typed, &[USERS, DOMAIN_PRICE], 1.0),
            Amount::YourNumbers(vec![DOMAIN_PRICE.to_owned()])
        );
        let typed = numbers(&[(USERS, "2000"), (DOMAIN_PRICE, "12.5")]);
        assert_eq!(product(&typed, &[USERS, DOMAIN_PRICE], 1.0), Amount::Of(25_000.0));
    }

    #[test]
    fn only_numbers_within_the_bounds_count() {
        for wrong in ["-1", "NaN", "inf", "1e10", "12 euro", "0x10", "99999999999999999999999999"] {
            assert_eq!(numbers(&[(USERS, wrong)]).number(USERS), Err(Missing::NoNumber), "{wrong}");
        }
        for (text, number) in [("0", 0.0), ("1000000000", 1e9), (" .5 ", 0.5)] {
            assert_eq!(numbers(&[(USERS, text)]).number(USERS), Ok(number), "{text}");
        }
        assert_eq!(numbers(&[]).number(USERS), Err(Missing::Blank));
    }

    #[test]
    fn figures_can_be_read() {
        for (number, text) in
            [(0.0, "0"), (12.5, "12.5"), (999.0, "999"), (1_234_567.891, "1\u{202f}234\u{202f}567.89")]
        {
            assert_eq!(figure(number), text);
        }
    }
}
