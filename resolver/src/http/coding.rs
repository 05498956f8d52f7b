//! Content codings (RFC 9110 section 8.4.1): which one a client takes, and how a body is packed in it.

use std::io::Write as _;

use brotli::enc::BrotliEncoderParams;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, header};

/// A way of packing a body that clients of ours take. The better one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Brotli,
    Gzip,
}

/// How much work packing may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// For one asker: a millisecond or two for the largest pages.
    Once,
    /// For all askers to come: some thirty times that.
    ForAll,
}

impl Coding {
    pub(super) const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// The coding that a client likes best (RFC 9110 section 12.5.3). `None`: the body as it is, which is also for whoever
    /// likes that better, says nothing, or takes nothing that we have.
    pub(super) fn liked(headers: &HeaderMap) -> Option<Self> {
        let mut best = None;
        let plain = weight(headers, &["identity"]).unwrap_or(0.0);
        let mut most = 0.0_f32;
        for coding in Self::ALL {
            let weight = weight(headers, coding.names()).or_else(|| weight(headers, &["*"])).unwrap_or(0.0);
            if weight > most && weight >= plain {
                (best, most) = (Some(coding), weight);
            }
        }
        best
    }

    /// Its names, of which the first is written (`x-gzip` is the same as `gzip`: RFC 9110 section 8.4.1.3).
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Brotli => &["br"],
            Self::Gzip => &["gzip", "x-gzip"],
        }
    }

    /// The value of `Content-Encoding`.
    pub(super) const fn name(self) -> &'static str {
        self.names()[0]
    }

    /// `tag` for the body in this coding, which is another representation: the same with the coding's name in it.
    pub(super) fn tag(self, tag: &HeaderValue) -> Option<HeaderValue> {
        let opaque = tag.to_str().ok()?.strip_suffix('"')?;
        HeaderValue::try_from(format!("{opaque}-{}\"", self.name())).ok()
    }

    /// `body` in this coding.
    #[expect(clippy::expect_used, reason = "what is written to memory is taken")]
    pub(super) fn pack(self, body: &[u8], effort: Effort) -> Bytes {
        let mut packed = Vec::with_capacity(body.len() / 4);
        match self {
            Self::Gzip => {
                let level = if effort == Effort::Once { 6 } else { 9 };
                let mut encoder = GzEncoder::new(&mut packed, Compression::new(level));
                encoder.write_all(body).and_then(|()| encoder.finish()).expect("memory takes all");
            }
            Self::Brotli => {
                let quality = if effort == Effort::Once { 5 } else { 9 };
                // A window as large as our largest pages: what is set aside for it grows with it.
                let settings =
                    BrotliEncoderParams { quality, lgwin: 18, size_hint: body.len(), ..Default::default() };
                brotli::BrotliCompress(&mut &*body, &mut packed, &settings).expect("memory takes all");
            }
        }
        packed.into()
    }
}

/// How much a client likes what has one of these names; `None` if it does not name it. What it cannot have meant is 0.
fn weight(headers: &HeaderMap, names: &[&str]) -> Option<f32> {
    let listed = headers.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    let weights = listed.flat_map(|value| value.split(',')).filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next()?;
        names.iter().any(|wanted| name.eq_ignore_ascii_case(wanted)).then_some(())?;
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let weight = weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
        Some(if (0.0..=1.0).contains(&weight) { weight } else { 0.0 })
    });
    weights.reduce(f32::max)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn liked(accepted: &[&'static str]) -> Option<Coding> {
        let lines = accepted.iter().map(|value| (header::ACCEPT_ENCODING, HeaderValue::from_static(value)));
        Coding::liked(&lines.collect())
    }

    #[test]
    fn a_client_gets_what_it_likes_best() {
        for (accepted, expected) in [
            (&["gzip, deflate, br, zstd"][..], Some(Coding::Brotli)),
            (&["gzip, deflate"], Some(Coding::Gzip)),
            (&["gzip", "br"], Some(Coding::Brotli)),
            (&["GZIP;q=0.5"], Some(Coding::Gzip)),
            (&["x-gzip"], Some(Coding::Gzip)),
            (&["br;q=0.5, gzip"], Some(Coding::Gzip)),
            (&["br;q=0, gzip;q=0.001"], Some(Coding::Gzip)),
            (&["br;q=0, *"], Some(Coding::Gzip)),
            (&["*"], Some(Coding::Brotli)),
            (&["*;q=0"], None),
            (&["*;q=0, gzip"], Some(Coding::Gzip)),
            (&["identity"], None),
            (&["identity, gzip;q=0.5"], None),
            (&["identity;q=0.5, gzip"], Some(Coding::Gzip)),
            (&["identity, gzip"], Some(Coding::Gzip)),
            (&["identity;q=0"], None),
            (&["deflate, zstd"], None),
            (&["br ; q=0.1 , gzip ; q=0.2"], Some(Coding::Gzip)),
            (&["br;q=2, gzip;q=zzz"], None),
            (&["brr, gzipped"], None),
            (&[""], None),
            (&[], None),
        ] {
            assert_eq!(liked(accepted), expected, "{accepted:?}");
        }
    }

    #[test]
    fn what_is_packed_comes_back() {
        let text = include_str!("openapi.json");
        for effort in [Effort::Once, Effort::ForAll] {
            let mut unpacked = String::new();
            let gzip = Coding::Gzip.pack(text.as_bytes(), effort);
            flate2::read::GzDecoder::new(&*gzip).read_to_string(&mut unpacked).unwrap();
            assert!(unpacked == text && gzip.len() < text.len() / 4);
            let mut unpacked = Vec::new();
            let brotli = Coding::Brotli.pack(text.as_bytes(), effort);
            brotli::BrotliDecompress(&mut &*brotli, &mut unpacked).unwrap();
            assert!(unpacked == text.as_bytes() && brotli.len() < gzip.len());
        }
    }

    #[test]
    fn a_tag_stays_one_and_weak_if_it_was() {
        for (tag, expected) in [("\"abc\"", "\"abc-br\""), ("W/\"abc\"", "W/\"abc-br\"")] {
            assert_eq!(Coding::Brotli.tag(&HeaderValue::from_static(tag)).unwrap(), expected);
        }
    }
}
