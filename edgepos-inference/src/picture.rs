//! From the bytes of a PNG or JPEG to the input of a network.
//!
//! The size is read from the header and checked before anything is decoded, so that a few kilobytes cannot unfold
//! into gigabytes.

use std::io::Cursor;

use fast_image_resize as fir;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a picture from outside may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureLimits {
    /// Longest file, in bytes. Default 16 MiB.
    pub max_bytes: usize,
    /// Longest side, in pixels. Default 8,192.
    pub max_side: u32,
    /// Most pixels. Default 25 million (a 24-megapixel phone photo fits); decoding takes 4 bytes each, twice.
    pub max_pixels: u64,
}

impl Default for PictureLimits {
    fn default() -> Self {
        Self { max_bytes: 16 << 20, max_side: 8192, max_pixels: 25_000_000 }
    }
}

/// Most memory for a decoder beside the pixels: 16 MiB. Colour profiles take kilobytes, rows at most 64.
const MAX_DECODER_BYTES: u64 = 16 << 20;

/// Why a picture cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The file is longer than the limit.
    #[error("the picture file has {found} bytes, the limit is {limit}")]
    TooManyBytes {
        /// How many bytes were given.
        found: usize,
        /// How many may be: [`PictureLimits::max_bytes`].
        limit: usize,
    },
    /// The header announces more pixels than the limits allow, or none.
    #[error("a picture of {width} × {height} is outside the limits")]
    Dimensions {
        /// Width in the header.
        width: u32,
        /// Height in the header.
        height: u32,
    },
    /// Neither PNG nor JPEG.
    #[error("not a PNG or JPEG picture")]
    UnknownFormat,
    /// The data is damaged.
    #[error("the picture is damaged: {reason}")]
    Damaged {
        /// What the decoder said.
        reason: String,
    },
    /// Raw pixels whose number does not match the size.
    #[error("{found} bytes are not {width} × {height} pixels")]
    Pixels {
        /// The width that was claimed, in pixels.
        width: u32,
        /// The height that was claimed, in pixels.
        height: u32,
        /// How many bytes were given.
        found: usize,
    },
}

/// A decoded picture: 8-bit RGB, row-major, upright.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
    is_cut_off: bool,
}

impl Picture {
    /// Decodes a PNG or JPEG within `limits`. A rotation in the EXIF header is applied; transparency is dropped. Of a JPEG
    /// that was cut off the rest stays grey, and [`is_cut_off`](Self::is_cut_off) says so; a PNG that was is [`PictureError::Damaged`].
    ///
    /// # Errors
    /// [`PictureError`].
    pub fn decode(bytes: &[u8], limits: &PictureLimits) -> Result<Self, PictureError> {
        if bytes.len() > limits.max_bytes {
            return Err(PictureError::TooManyBytes { found: bytes.len(), limit: limits.max_bytes });
        }
        let format = image::guess_format(bytes).map_err(|_| PictureError::UnknownFormat)?;
        if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg) {
            return Err(PictureError::UnknownFormat);
        }
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        let mut decoder_limits = image::Limits::default();
        // For what the decoder keeps beside the pixels: a few rows, and a colour profile that unfolds from the file.
        decoder_limits.max_alloc = Some(MAX_DECODER_BYTES);
        reader.limits(decoder_limits);
        let damaged = |error: image::ImageError| PictureError::Damaged { reason: error.to_string() };
        let mut decoder = reader.into_decoder().map_err(damaged)?;
        let (width, height) = decoder.dimensions();
        limits.admit(width, height)?;
        // A picture without EXIF, or with a broken one, is taken as upright.
        let orientation = decoder.orientation().ok();
        let mut image = DynamicImage::from_decoder(decoder).map_err(damaged)?;
        if let Some(orientation) = orientation {
            image.apply_orientation(orientation);
        }
        let rgb = image.into_rgb8();
        let is_cut_off = format == ImageFormat::Jpeg && !jpeg_ends(bytes);
        Ok(Self { width: rgb.width(), height: rgb.height(), rgb: rgb.into_raw(), is_cut_off })
    }

    /// A picture from raw pixels, for a camera that delivers frames: 3 bytes each, row-major.
    ///
    /// # Errors
    /// [`PictureError::Pixels`] when the number of bytes does not match, [`PictureError::Dimensions`] when a side is 0.
    pub fn from_rgb(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self, PictureError> {
        if width == 0 || height == 0 {
            return Err(PictureError::Dimensions { width, height });
        }
        if rgb.len() as u64 != u64::from(width) * u64::from(height) * 3 {
            return Err(PictureError::Pixels { width, height, found: rgb.len() });
        }
        Ok(Self { width, height, rgb, is_cut_off: false })
    }

    /// Whether the file ended before the picture did: what is missing is grey, so no answer about it is to be trusted alone.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }

    /// Width in pixels; at least 1.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels; at least 1.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The pixels, 3 bytes each, row-major.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The luma of each pixel (ITU-R BT.601, the integer form that Pillow uses), row-major.
    #[must_use]
    pub fn grey(&self) -> Vec<u8> {
        self.rgb
            .as_chunks::<3>()
            .0
            .iter()
            .map(|&[red, green, blue]| {
                let luma = 19_595 * u32::from(red) + 38_470 * u32::from(green) + 7_471 * u32::from(blue);
                // At most 255: the three weights add up to 65,536.
                ((luma + 0x8000) >> 16) as u8
            })
            .collect()
    }
}

impl PictureLimits {
    fn admit(&self, width: u32, height: u32) -> Result<(), PictureError> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 || width.max(height) > self.max_side || pixels > self.max_pixels {
            return Err(PictureError::Dimensions { width, height });
        }
        Ok(())
    }
}

/// How a picture becomes a network's input: the model's own constants, from its manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PictureSpec {
    /// Which channels, and in which order.
    pub colour: Colour,
    /// How the picture comes to the network's size.
    pub fit: Fit,
    /// How pixels are interpolated.
    pub filter: Filter,
    /// Subtracted from each channel after it was divided by 255.
    pub mean: Vec<f32>,
    /// Each channel is divided by this afterwards.
    pub std: Vec<f32>,
}

/// The channels of a network's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Colour {
    /// Red, green, blue planes.
    Rgb,
    /// One plane of luma.
    Grey,
}

impl Colour {
    /// How many planes.
    #[must_use]
    pub fn channels(self) -> usize {
        match self {
            Self::Rgb => 3,
            Self::Grey => 1,
        }
    }
}

/// How a picture comes to the network's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[non_exhaustive]
pub enum Fit {
    /// Scale until the short side has `short_side` pixels, then cut `width` × `height` out of the centre.
    Crop {
        /// Short side after scaling.
        short_side: u32,
        /// Width of the cut.
        width: u32,
        /// Height of the cut.
        height: u32,
    },
    /// Scale until the whole picture fits into `width` × `height`; the rest, right and below, stays at the mean.
    Letterbox {
        /// Width of the input.
        width: u32,
        /// Height of the input.
        height: u32,
    },
}

impl Fit {
    /// Width and height of the network's input.
    #[must_use]
    pub fn size(self) -> (u32, u32) {
        match self {
            Self::Crop { width, height, .. } | Self::Letterbox { width, height } => (width, height),
        }
    }
}

/// How pixels are interpolated; all of them widen over the source when shrinking, as Pillow does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Filter {
    /// Linear between the nearest pixels.
    Bilinear,
    /// Cubic, a = −0.5 (Catmull-Rom).
    Bicubic,
}

/// A picture as a network wants it, and how to get back to the picture's own coordinates.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// Planes one after the other, each row-major: one entry of an NCHW batch.
    pub planes: Vec<f32>,
    /// Source pixels per network pixel, across and down.
    pub scale: (f32, f32),
    /// Where the network's upper left corner lies, in source pixels.
    pub origin: (f32, f32),
}

/// The largest side of a network's input: 4,096.
const MAX_INPUT_SIDE: u32 = 4096;

impl PictureSpec {
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let (width, height) = self.fit.size();
        if width == 0 || height == 0 || width.max(height) > MAX_INPUT_SIDE {
            return Some("the picture's size is 0 or beyond 4,096");
        }
        if let Fit::Crop { short_side, .. } = self.fit
            && (short_side < width.max(height) || short_side > MAX_INPUT_SIDE)
        {
            return Some("the cut is larger than the short side, or that is beyond 4,096");
        }
        let channels = self.colour.channels();
        if self.mean.len() != channels || self.std.len() != channels {
            return Some("mean and std need one value per channel");
        }
        if self.std.iter().any(|std| !std.is_normal()) || self.mean.iter().any(|mean| !mean.is_finite()) {
            return Some("mean or std is not a usable number");
        }
        None
    }

    /// Scales, cuts and normalises.
    ///
    /// # Errors
    /// [`PictureError::Dimensions`] for a picture so elongated that scaling it would exceed the limits on a side.
    pub fn prepare(&self, picture: &Picture) -> Result<Prepared, PictureError> {
        let (width, height) = self.fit.size();
        let scaled = self.scaled(picture)?;
        let scale = (picture.width as f32 / scaled.0 as f32, picture.height as f32 / scaled.1 as f32);
        // Only what is cut out is scaled: the rest of a wide photograph is never looked at.
        let window = match self.fit {
            Fit::Crop { .. } => {
                Window { left: (scaled.0 - width) / 2, top: (scaled.1 - height) / 2, width, height, scaled }
            }
            Fit::Letterbox { .. } => Window { left: 0, top: 0, width: scaled.0, height: scaled.1, scaled },
        };
        let pixels = self.resize(picture, window)?;
        Ok(Prepared {
            planes: self.normalise(&pixels, window),
            scale,
            origin: (window.left as f32 * scale.0, window.top as f32 * scale.1),
        })
    }

    fn scaled(&self, picture: &Picture) -> Result<(u32, u32), PictureError> {
        let (own_width, own_height) = (f64::from(picture.width), f64::from(picture.height));
        let too_long = PictureError::Dimensions { width: picture.width, height: picture.height };
        match self.fit {
            Fit::Crop { short_side, width, height } => {
                let factor = f64::from(short_side) / own_width.min(own_height);
                let (w, h) =
                    ((own_width * factor).round_ties_even(), (own_height * factor).round_ties_even());
                if w.max(h) > 65_535.0 {
                    return Err(too_long);
                }
                // At least the cut: the short side is not smaller than it, by `problem`.
                Ok(((w as u32).max(width), (h as u32).max(height)))
            }
            Fit::Letterbox { width, height } => {
                let factor = (f64::from(width) / own_width).min(f64::from(height) / own_height);
                let side = |own: f64, limit: u32| ((own * factor).round_ties_even() as u32).clamp(1, limit);
                Ok((side(own_width, width), side(own_height, height)))
            }
        }
    }

    fn resize(&self, picture: &Picture, window: Window) -> Result<Vec<u8>, PictureError> {
        let damaged = |reason: String| PictureError::Damaged { reason };
        let grey;
        let (source, kind) = match self.colour {
            Colour::Rgb => (&picture.rgb[..], fir::PixelType::U8x3),
            Colour::Grey => {
                grey = picture.grey();
                (&grey[..], fir::PixelType::U8)
            }
        };
        let source = fir::images::ImageRef::new(picture.width, picture.height, source, kind)
            .map_err(|error| damaged(error.to_string()))?;
        let mut target = fir::images::Image::new(window.width, window.height, kind);
        let filter = match self.filter {
            Filter::Bilinear => fir::FilterType::Bilinear,
            Filter::Bicubic => fir::FilterType::CatmullRom,
        };
        let across = f64::from(picture.width) / f64::from(window.scaled.0);
        let down = f64::from(picture.height) / f64::from(window.scaled.1);
        let (left, top) = (f64::from(window.left) * across, f64::from(window.top) * down);
        // Rounding must not carry the cut beyond the picture.
        let width = (f64::from(window.width) * across).min(f64::from(picture.width) - left);
        let height = (f64::from(window.height) * down).min(f64::from(picture.height) - top);
        let options = fir::ResizeOptions::new()
            .resize_alg(fir::ResizeAlg::Convolution(filter))
            .crop(left, top, width, height)
            .use_alpha(false);
        match self.colour {
            Colour::Rgb => resize::<fir::pixels::U8x3>(&source, &mut target, &options),
            Colour::Grey => resize::<fir::pixels::U8>(&source, &mut target, &options),
        }
        .map_err(|error| damaged(error.to_string()))?;
        Ok(target.into_vec())
    }

    fn normalise(&self, pixels: &[u8], window: Window) -> Vec<f32> {
        let channels = self.colour.channels();
        let (width, height) = self.fit.size();
        let (width, area) = (width as usize, width as usize * height as usize);
        // The mean itself normalises to 0: what the network takes for "nothing here".
        let mut planes = vec![0.0_f32; area * channels];
        for channel in 0..channels {
            let (mean, std) = (self.mean[channel], self.std[channel]);
            // One division per value of a byte instead of one per pixel.
            let table: [f32; 256] = std::array::from_fn(|byte| (byte as f32 / 255.0 - mean) / std);
            let plane = &mut planes[channel * area..(channel + 1) * area];
            let rows = pixels.chunks_exact(window.width as usize * channels);
            for (source, target) in rows.zip(plane.chunks_exact_mut(width)) {
                let source = source.iter().skip(channel).step_by(channels);
                for (value, &byte) in target.iter_mut().zip(source) {
                    *value = table[usize::from(byte)];
                }
            }
        }
        planes
    }
}

/// As [`fir::Resizer::resize`], which is compiled for thirteen kinds of pixels where two are used: three megabytes of code, and the larger
/// part of the time that this crate takes to build.
fn resize<P: fir::PixelTrait>(
    source: &fir::images::ImageRef<'_>,
    target: &mut fir::images::Image<'_>,
    options: &fir::ResizeOptions,
) -> Result<(), fir::ResizeError> {
    match (source.typed_image::<P>(), target.typed_image_mut::<P>()) {
        (Some(source), Some(mut target)) => fir::Resizer::new().resize_typed(&source, &mut target, options),
        _ => Err(fir::ResizeError::PixelTypesAreDifferent),
    }
}

/// A cut out of a picture that is scaled to `scaled`.
#[derive(Clone, Copy)]
struct Window {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    scaled: (u32, u32),
}

/// Whether a JPEG has its end (marker EOI, ITU-T T.81 B.2.1) behind the start of its first scan. In what a scan has coded no marker is
/// found by chance; a thumbnail, which has an end of its own, comes before.
fn jpeg_ends(bytes: &[u8]) -> bool {
    let (mut at, mut scans) = (2, false);
    while let Some(&[marker, kind, high, low]) = bytes.get(at..at + 4).and_then(|head| head.first_chunk()) {
        match (marker, kind) {
            // Bytes that fill up to the next marker.
            (0xFF, 0xFF) => at += 1,
            (0xFF, 0xDA) => {
                scans = true;
                break;
            }
            (0xFF, _) => at += 2 + usize::from(u16::from_be_bytes([high, low])),
            _ => break,
        }
    }
    scans && bytes[at..].windows(2).rev().any(|pair| pair == [0xFF, 0xD9])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(fit: Fit) -> PictureSpec {
        PictureSpec {
            colour: Colour::Rgb,
            fit,
            filter: Filter::Bicubic,
            mean: vec![0.5; 3],
            std: vec![0.5; 3],
        }
    }

    #[test]
    fn a_flat_picture_normalises_to_its_colour_plane_by_plane() {
        let picture = Picture::from_rgb(300, 260, [255, 0, 51].repeat(300 * 260)).unwrap();
        let prepared =
            spec(Fit::Crop { short_side: 256, width: 224, height: 224 }).prepare(&picture).unwrap();
        let area = 224 * 224;
        assert_eq!(prepared.planes.len(), 3 * area);
        assert!(prepared.planes[..area].iter().all(|value| (value - 1.0).abs() < 1e-6));
        assert!(prepared.planes[area..2 * area].iter().all(|value| (value + 1.0).abs() < 1e-6));
        assert!(prepared.planes[2 * area..].iter().all(|value| (value + 0.6).abs() < 1e-6));
    }

    #[test]
    fn a_letterbox_leaves_the_mean_below() {
        let picture = Picture::from_rgb(64, 8, vec![255; 64 * 8 * 3]).unwrap();
        let prepared = spec(Fit::Letterbox { width: 32, height: 24 }).prepare(&picture).unwrap();
        assert!(prepared.planes[..32 * 4].iter().all(|value| (value - 1.0).abs() < 1e-6));
        assert!(prepared.planes[32 * 4..32 * 24].iter().all(|value| *value == 0.0));
        assert_eq!(prepared.scale, (2.0, 2.0));
    }

    #[test]
    fn elongated_pictures_are_prepared_or_refused_but_never_panic() {
        for (width, height) in [(1, 1), (1, 8192), (8192, 1), (3, 7), (224, 224)] {
            let picture = Picture::from_rgb(width, height, vec![9; (width * height * 3) as usize]).unwrap();
            let _ = spec(Fit::Crop { short_side: 256, width: 224, height: 224 }).prepare(&picture);
            let boxed = spec(Fit::Letterbox { width: 32, height: 24 }).prepare(&picture).unwrap();
            assert_eq!(boxed.planes.len(), 3 * 32 * 24);
        }
    }

    #[test]
    fn luma_weights_add_up() {
        let picture = Picture::from_rgb(3, 1, vec![255, 255, 255, 0, 0, 0, 255, 0, 0]).unwrap();
        assert_eq!(picture.grey(), [255, 0, 76]);
    }
}
