//! I8: two flavours of one brand are not taken for each other by the cache, and the same packet seen again is found.
//!
//! The packets are drawn: one brand's layout, then another flavour in one respect. The pictures of a pair differ in nothing
//! else but noise, which is the hardest case: the till's camera stands still and the next packet lies where the last did.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use edgepos_inference::{CacheConfig, Colour, Filter, Fit, Picture, PictureHash, PictureSpec};

/// A small generator (Steele et al., SplitMix64), so that every run draws the same packets.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> i32 {
        i32::try_from(self.next() % limit).unwrap()
    }

    fn colour(&mut self) -> [u8; 3] {
        std::array::from_fn(|_| (30 + self.next() % 200) as u8)
    }
}

/// Pixels of the photographs; the packets are drawn in units of half a pixel.
const WIDTH: i32 = 320;
const HEIGHT: i32 = 256;

/// What distinguishes a flavour from another of the same brand.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Respect {
    /// The band, the fruit and the name.
    Everything,
    /// The colour of the band alone.
    Colour,
    /// The picture of the fruit alone.
    Fruit,
    /// The name alone, in letters of a thirtieth of the picture's height.
    Name,
}

struct Canvas(Vec<u8>);

impl Canvas {
    fn rectangle(&mut self, (left, top): (i32, i32), (width, height): (i32, i32), colour: [u8; 3]) {
        for y in (top / 2).max(0)..((top + height) / 2).min(HEIGHT) {
            for x in (left / 2).max(0)..((left + width) / 2).min(WIDTH) {
                let at = ((y * WIDTH + x) * 3) as usize;
                self.0[at..at + 3].copy_from_slice(&colour);
            }
        }
    }

    fn disc(&mut self, (across, down): (i32, i32), radius: i32, colour: [u8; 3]) {
        for y in (-radius..=radius).step_by(2) {
            let half = f64::from(radius * radius - y * y).sqrt() as i32;
            self.rectangle((across - half, down + y), (2 * half, 2), colour);
        }
    }

    /// Letters that are none: 4 × 6 dots each, half of them set.
    fn word(&mut self, (left, top): (i32, i32), letters: i32, dot: i32, draw: &mut Draw) {
        for letter in 0..letters {
            for place in 0..24 {
                if draw.below(2) == 0 {
                    let x = left + letter * 5 * dot + place % 4 * dot;
                    self.rectangle((x, top + place / 4 * dot), (dot, dot), [20; 3]);
                }
            }
        }
    }
}

/// A packet of `brand`; another `flavour` differs in one respect.
fn packet(brand: u64, flavour: u64, respect: Respect) -> Canvas {
    let mut layout = Draw(brand);
    let own =
        |respects: &[Respect]| Draw(brand * 1000 + if respects.contains(&respect) { flavour } else { 0 });
    let mut canvas = Canvas(Vec::new());
    // A counter with some structure, and shadows of other things.
    let counter = layout.colour();
    canvas.0 = (0..WIDTH * HEIGHT)
        .flat_map(|at| counter.map(|channel| channel.saturating_add((at / WIDTH / 12 % 2 * 9) as u8)))
        .collect();
    for _ in 0..6 {
        let corner = (layout.below(640) - 60, layout.below(480) - 60);
        let size = (20 + layout.below(120), 20 + layout.below(90));
        canvas.rectangle(corner, size, layout.colour());
    }
    let (left, top) = (170 + layout.below(60), 50 + layout.below(40));
    let (width, height) = (220 + layout.below(60), 330 + layout.below(40));
    canvas.rectangle((left, top), (width, height), layout.colour());
    canvas.word((left + 20, top + 30), 6, 7, &mut layout);
    let mut band = own(&[Respect::Everything, Respect::Colour]);
    canvas.rectangle((left, top + 110), (width, 60), band.colour());
    let mut fruit = own(&[Respect::Everything, Respect::Fruit]);
    let middle = (left + width / 2 + fruit.below(21) - 10, top + 235 + fruit.below(11) - 5);
    canvas.disc(middle, 38 + fruit.below(14), fruit.colour());
    canvas.disc((middle.0 + fruit.below(40) - 20, middle.1 - 30), 12, fruit.colour());
    let mut name = own(&[Respect::Everything, Respect::Name]);
    canvas.word((left + 30, top + 132), 8, 3, &mut name);
    canvas
}

/// What a camera makes of it: light from one side, noise, another exposure, a hand that moves.
fn photograph(canvas: &Canvas, noise: u64, gain: f64, shift: (i32, i32)) -> Picture {
    let mut draw = Draw(noise);
    let mut rgb = Vec::with_capacity(canvas.0.len());
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let (from_x, from_y) = ((x - shift.0).clamp(0, WIDTH - 1), (y - shift.1).clamp(0, HEIGHT - 1));
            let at = ((from_y * WIDTH + from_x) * 3) as usize;
            let grain = draw.next();
            let light = gain * (0.7 + 0.4 * f64::from(x) / f64::from(WIDTH));
            for channel in 0..3 {
                // Four bits of noise each: a triangle of about ± 7.
                let grain = (grain >> (channel * 8) & 7) as f64 - (grain >> (channel * 8 + 4) & 7) as f64;
                rgb.push((f64::from(canvas.0[at + channel]) * light + grain).round().clamp(0.0, 255.0) as u8);
            }
        }
    }
    Picture::from_rgb(WIDTH as u32, HEIGHT as u32, rgb).unwrap()
}

/// `None` for a picture that shows too little to be kept.
fn hash(picture: &Picture) -> Option<PictureHash> {
    let spec = PictureSpec {
        colour: Colour::Rgb,
        fit: Fit::Crop { short_side: 256, width: 224, height: 224 },
        filter: Filter::Bicubic,
        mean: vec![0.5; 3],
        std: vec![0.5; 3],
    };
    PictureHash::of(&spec.prepare(picture).unwrap().planes, 224, 224)
}

/// Whether the cache would give the one's answer for the other: by the hash alone, and as configured.
fn hits(one: &Option<PictureHash>, other: &Option<PictureHash>) -> (bool, bool) {
    let (Some(one), Some(other)) = (one, other) else { return (false, false) };
    let config = CacheConfig::default();
    let near = one.distance(other) <= config.distance;
    (near, near && one.detail(other) <= config.detail)
}

/// `EDGEPOS_BRANDS` asks for more, to measure.
fn brands() -> u64 {
    std::env::var("EDGEPOS_BRANDS").ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

#[test]
fn flavours_of_one_brand_are_told_apart() {
    let brands = brands();
    for respect in [Respect::Everything, Respect::Colour, Respect::Fruit, Respect::Name] {
        let (mut by_hash, mut wrong, mut nearest) = (0, 0, f32::INFINITY);
        for brand in 1..=brands {
            let one = hash(&photograph(&packet(brand, 1, respect), brand, 1.0, (0, 0)));
            let other = hash(&photograph(&packet(brand, 2, respect), brand + 500, 1.0, (0, 0)));
            let (near, hit) = hits(&one, &other);
            by_hash += u32::from(near);
            wrong += u32::from(hit);
            if let (Some(one), Some(other)) = (&one, &other) {
                nearest = nearest.min(one.detail(other));
            }
        }
        println!(
            "another {respect:?}: the hash alone takes {by_hash} of {brands} for the same, the cache {wrong}; the most \
             alike differ by {nearest:.2}"
        );
        assert_eq!(wrong, 0, "{respect:?}");
    }
}

#[test]
fn the_same_packet_is_found_again() {
    let brands = brands();
    // What must be found is a share of the brands; a packet that has moved is another picture by right.
    let same = [
        ("another frame", 1.0, (0, 0), 0.9),
        ("a tenth brighter", 1.1, (0, 0), 0.7),
        ("a tenth darker", 0.9, (0, 0), 0.7),
        ("moved by 1 pixel of 320", 1.0, (1, 0), 0.0),
        ("moved by 2 pixels of 320", 1.0, (2, 1), 0.0),
    ];
    for (what, gain, shift, at_least) in same {
        let found: u32 = (1..=brands)
            .map(|brand| {
                let canvas = packet(brand, 1, Respect::Everything);
                let first = hash(&photograph(&canvas, brand, 1.0, (0, 0)));
                u32::from(hits(&first, &hash(&photograph(&canvas, brand + 900, gain, shift))).1)
            })
            .sum();
        println!("{what}: found {found} of {brands}");
        assert!(f64::from(found) >= at_least * brands as f64, "{what}: {found}");
    }
}
