//! A curve as SVG: handles to the right, on a logarithmic scale; whatever was measured upwards, from zero.

use std::{fmt::Write as _, fs, path::Path};

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 240.0;
const MARGIN: f64 = 56.0;

/// One line of a plot: its name, its colour, and a value for each number of handles.
pub(crate) struct Line<'a> {
    pub(crate) name: &'a str,
    pub(crate) colour: &'a str,
    pub(crate) points: Vec<(usize, f64)>,
}

/// Writes the plot, whose values are in `unit`.
pub(crate) fn write(file: &Path, title: &str, unit: &str, lines: &[Line<'_>]) {
    let points = || lines.iter().flat_map(|line| &line.points);
    let logs = || points().map(|(handles, _)| (*handles as f64).log10());
    let (least, most) = (logs().fold(f64::MAX, f64::min), logs().fold(f64::MIN, f64::max));
    let top = points().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max) * 1.1;
    let x = |handles: usize| {
        MARGIN + ((handles as f64).log10() - least) / (most - least).max(0.1) * (WIDTH - 2.0 * MARGIN)
    };
    let y = |value: f64| HEIGHT - MARGIN + value / top * (2.0 * MARGIN - HEIGHT);

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{MARGIN}\" y=\"20\" font-size=\"13\">{title}</text>\n"
    );
    // Writing to a string cannot fail.
    for share in [0.0, 0.5, 1.0] {
        let value = top / 1.1 * share;
        let (at, right) = (y(value), WIDTH - MARGIN);
        let _ = writeln!(svg, "<path d=\"M{MARGIN} {at:.1}H{right}\" stroke=\"#ddd\"/>");
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            MARGIN - 6.0,
            at + 4.0,
            short(value)
        );
    }
    let _ = writeln!(svg, "<text x=\"6\" y=\"{}\">{unit}</text>", MARGIN - 12.0);
    for (handles, _) in lines.first().map_or(&[][..], |line| &line.points) {
        let (at, under) = (x(*handles), HEIGHT - MARGIN + 18.0);
        let _ = writeln!(svg, "<text x=\"{at:.1}\" y=\"{under}\" text-anchor=\"middle\">{handles}</text>");
    }
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">handles</text>",
        WIDTH / 2.0,
        HEIGHT - 16.0
    );
    for (place, Line { name, colour, points }) in lines.iter().enumerate() {
        let path: Vec<String> =
            points.iter().map(|(handles, value)| format!("{:.1} {:.1}", x(*handles), y(*value))).collect();
        let _ = writeln!(
            svg,
            "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            path.join("L")
        );
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" fill=\"{colour}\">{name}</text>",
            WIDTH - MARGIN + 6.0,
            MARGIN + 14.0 * place as f64
        );
    }
    svg.push_str("</svg>\n");
    fs::write(file, svg).expect("a file that can be written");
}

fn short(value: f64) -> String {
    match value {
        value if value >= 1000.0 => format!("{:.1}k", value / 1000.0),
        value if value >= 10.0 || value == 0.0 => format!("{value:.0}"),
        value => format!("{value:.1}"),
    }
}
