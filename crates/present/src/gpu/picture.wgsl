// Planes to RGB, scaled to the picture's place in the window.

struct Params {
    // Window position of the picture's top left corner (xy) and picture pixels per window pixel (zw).
    place: vec4<f32>,
    // Luma size (xy) and chroma size (zw) in texels.
    sizes: vec4<f32>,
    // Chroma texels per luma texel (xy) and offset of chroma samples in chroma texels (zw).
    chroma: vec4<f32>,
    // Rows for red, green, blue: factors of Y, U, V, and a constant.
    red: vec4<f32>,
    green: vec4<f32>,
    blue: vec4<f32>,
    // x: chroma interleaved, y: 0 = SDR, 1 = PQ, 2 = HLG, z: whole source pixels only, w: unused.
    flags: vec4<u32>,
}

// Samples of 16 bits lie in two 8-bit channels, low byte first; filtered here, because filters of 8-bit textures may be
// no more exact than 8 bits.
override split: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var linear: sampler;
@group(0) @binding(2) var plane_y: texture_2d<f32>;
@group(0) @binding(3) var plane_u: texture_2d<f32>;
@group(0) @binding(4) var plane_v: texture_2d<f32>;

@vertex
fn vs(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    // One triangle that covers everything.
    let x = f32(i32(index & 1u) * 4 - 1);
    let y = f32(i32(index & 2u) * 2 - 1);
    return vec4<f32>(x, y, 0.0, 1.0);
}

// Raw 16-bit values as fractions of 65535, of one texel.
fn joined(texel: vec4<f32>) -> vec2<f32> {
    return (texel.xz + texel.yw * 256.0) * (255.0 / 65535.0);
}

fn fetch(plane: texture_2d<f32>, at: vec2<f32>, size: vec2<f32>) -> vec2<f32> {
    return joined(textureLoad(plane, vec2<i32>(clamp(at, vec2<f32>(0.0), size - 1.0)), 0));
}

// `at` in texels, centres at .5.
fn sampled(plane: texture_2d<f32>, at: vec2<f32>, size: vec2<f32>) -> vec2<f32> {
    if split {
        let base = floor(at - 0.5);
        let part = at - 0.5 - base;
        let top = mix(fetch(plane, base, size), fetch(plane, base + vec2<f32>(1.0, 0.0), size), part.x);
        let bottom = mix(fetch(plane, base + vec2<f32>(0.0, 1.0), size), fetch(plane, base + 1.0, size), part.x);
        return mix(top, bottom, part.y);
    }
    return textureSampleLevel(plane, linear, at / size, 0.0).xy;
}

// SMPTE ST 2084; 1 = reference white (203 cd/m2).
fn pq(code: vec3<f32>) -> vec3<f32> {
    let power = pow(max(code, vec3<f32>(0.0)), vec3<f32>(1.0 / 78.84375));
    let ratio = max(power - 0.8359375, vec3<f32>(0.0)) / (18.8515625 - 18.6875 * power);
    return pow(ratio, vec3<f32>(1.0 / 0.1593017578125)) * (10000.0 / 203.0);
}

// ARIB STD-B67 with the system gamma of a 1000 cd/m2 display.
fn hlg(code: vec3<f32>) -> vec3<f32> {
    let low = code * code / 3.0;
    let high = (exp((code - 0.55991073) / 0.17883277) + 0.28466892) / 12.0;
    let scene = select(high, low, code <= vec3<f32>(0.5));
    let luma = dot(scene, vec3<f32>(0.2627, 0.678, 0.0593));
    return scene * pow(max(luma, 1e-9), 0.2) * (1000.0 / 203.0);
}

fn to_sdr(light: vec3<f32>) -> vec3<f32> {
    let own = max(vec3<f32>(
        dot(light, vec3<f32>(1.6605, -0.5876, -0.0728)),
        dot(light, vec3<f32>(-0.1246, 1.1329, -0.0083)),
        dot(light, vec3<f32>(-0.0182, -0.1006, 1.1187)),
    ), vec3<f32>(0.0));
    let pressed = 1.0 - 0.25 * exp(-(own - 0.75) / 0.25);
    return pow(select(pressed, own, own <= vec3<f32>(0.75)), vec3<f32>(1.0 / 2.2));
}

@fragment
fn fs(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    var at = (position.xy - params.place.xy) * params.place.zw;
    if params.flags.z != 0u {
        at = floor(at) + 0.5;
    }
    let luma = sampled(plane_y, at, params.sizes.xy).x;
    let chroma_at = at * params.chroma.xy + params.chroma.zw;
    var chroma = sampled(plane_u, chroma_at, params.sizes.zw);
    if params.flags.x == 0u {
        chroma.y = sampled(plane_v, chroma_at, params.sizes.zw).x;
    }
    let yuv = vec4<f32>(luma, chroma, 1.0);
    let code = clamp(
        vec3<f32>(dot(params.red, yuv), dot(params.green, yuv), dot(params.blue, yuv)),
        vec3<f32>(0.0),
        vec3<f32>(1.0),
    );
    if params.flags.y == 1u {
        return vec4<f32>(to_sdr(pq(code)), 1.0);
    }
    if params.flags.y == 2u {
        return vec4<f32>(to_sdr(hlg(code)), 1.0);
    }
    return vec4<f32>(code, 1.0);
}
