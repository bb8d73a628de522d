/** Invented titles, hosts, settings and checks for the fake backend. Nothing of this is in the product. */
import type { AfterPlay, Card, CardDetail, Check, Edition, Host, Layer, Setting } from "./api";

/** Pictures are files, as in the product: its policy allows no `data:` addresses. */
const ART: Record<string, string> = {
  "Meteor Mile": new URL("./fakeArt/mile.svg", import.meta.url).href,
  "Harbour Lights": new URL("./fakeArt/harbour.svg", import.meta.url).href,
};
const WIDE: Record<string, string> = { "Meteor Mile": new URL("./fakeArt/mile-wide.svg", import.meta.url).href };

const DAY = 86_400_000;

const TITLES: [string, string[], string[]][] = [
  ["Pad Check", ["Tools"], ["demo"]],
  ["Meteor Mile", ["Arcade", "Racing"], ["demo", "north"]],
  ["Harbour Lights", ["Adventure"], ["demo"]],
  ["The Little Orrery", ["Puzzle"], ["demo", "home"]],
  ["Night Ferry", ["Adventure", "Story"], ["north"]],
  ["Paper Kites", ["Arcade"], ["demo"]],
  ["Salt Road: Caravans of the White Desert", ["Strategy"], ["north", "home"]],
  ["Tin Parade", ["Puzzle", "Family"], ["demo"]],
  ["Überfahrt", ["Story"], ["north"]],
  ["Under Clover", ["Family"], ["demo", "north"]],
  ["Windmill Wars II", ["Strategy"], ["home"]],
  ["Test Card", ["Tools"], ["demo"]],
];

const FIRST = ["Amber", "Broken", "Copper", "Distant", "Electric", "Falling", "Glass", "Hollow", "Iron", "Jade", "Kind", "Last", "Midnight", "Northern", "Open", "Paper", "Quiet", "Rapid", "Silver", "Tall"];
const SECOND = ["Anchor", "Bridge", "Castle", "Delta", "Engine", "Forest", "Garden", "Harbour", "Island", "Journey", "Kingdom", "Lantern", "Mountain", "Nomad", "Orbit", "Pilot", "Quarry", "River", "Summit", "Tower"];
const GENRES = ["Adventure", "Arcade", "Puzzle", "Racing", "Story", "Strategy"];

function card(id: string, title: string, genres: string[], providers: string[], part: Partial<Card> = {}): Card {
  return {
    id,
    title,
    art: ART[title] ?? null,
    favourite: false,
    hidden: false,
    providers,
    genres,
    lastPlayed: null,
    playtimeSeconds: 0,
    playable: true,
    running: false,
    ...part,
  };
}

export function cards(amount: number, now: number, fresh: boolean): Card[] {
  const first = TITLES.slice(0, Math.min(amount, TITLES.length)).map(([title, genres, providers], index) => {
    const played = !fresh && [1, 3, 4, 7].includes(index);
    return card(`c${index}`, title, genres, providers, {
      favourite: !fresh && index === 3,
      lastPlayed: played ? now - index * 0.8 * DAY : null,
      playtimeSeconds: played ? index * 5400 : 0,
      playable: index !== 8,
      running: !fresh && index === 4,
    });
  });
  const more = Array.from({ length: Math.max(0, amount - first.length) }, (_, step) => {
    const title = `${FIRST[step % 20]} ${SECOND[Math.floor(step / 20) % 20]}${step >= 400 ? ` ${Math.floor(step / 400) + 1}` : ""}`;
    return card(`c${step + first.length}`, title, [GENRES[step % GENRES.length] ?? "Arcade"], [["demo", "north", "home"][step % 3] ?? "demo"]);
  });
  return [...first, ...more];
}

export const PROVIDER_NAMES: Record<string, string> = { demo: "Demo cloud", north: "North Cloud", home: "At home" };

export function editions(from: Card): Edition[] {
  const base = { entitledUntil: null, queueSeconds: null, queuePosition: null, running: false, available: true, why: null };
  return from.providers.flatMap((provider): Edition[] => {
    const named = { ...base, provider, providerName: PROVIDER_NAMES[provider] ?? provider };
    if (provider === "demo") {
      return [
        { ...named, id: `demo/${from.id}@near`, place: "Near", entitlement: "free", quality: "1280x720 at 60", pingMs: 4, queueSeconds: 0 },
        { ...named, id: `demo/${from.id}@far`, place: "Far", entitlement: "free", quality: "1280x720 at 60", pingMs: 84, queueSeconds: null, queuePosition: null },
      ];
    }
    if (provider === "north") {
      const until = Date.UTC(2027, 2, 14);
      return [
        from.playable
          ? { ...named, id: `north/${from.id}@hamburg`, place: "Hamburg", entitlement: "subscription", entitledUntil: until, quality: "1920x1080 at 120", pingMs: 41, queueSeconds: 180, running: from.running }
          : { ...named, id: `north/${from.id}@hamburg`, place: "Hamburg", entitlement: "none", quality: "1920x1080 at 120", pingMs: 41, available: false, why: "Buy it there, then refresh the library." },
      ];
    }
    return [{ ...named, id: `home/${from.id}`, place: "Living room PC", entitlement: "owned", quality: "2560x1440 at 60", pingMs: 2, }];
  });
}

export function detail(from: Card, byHand: boolean): CardDetail {
  const all = editions(from);
  const best = all.find((edition) => edition.running) ?? all.find((edition) => edition.available && (edition.pingMs ?? 99) < 10) ?? all.find((edition) => edition.available);
  return {
    card: from,
    description:
      "A small game made for this shelf: press on, look about, and see how it feels when the picture comes from somewhere else. One session takes about ten minutes.",
    hero: WIDE[from.title] ?? null,
    year: 2026,
    players: "1–2 players",
    inputs: ["pad", "keyboard"],
    editions: all,
    best: best?.id ?? null,
    byHand,
  };
}

export function hosts(): Host[] {
  return [
    { id: "home/h1", name: "Living room PC", kind: "At home", address: "192.168.1.20", state: "online", paired: true, canWake: true, problem: null },
    { id: "home/h2", name: "Study", kind: "At home", address: "192.168.1.34", state: "asleep", paired: true, canWake: true, problem: null },
    { id: "home/h3", name: "Attic console", kind: "At home", address: "192.168.1.57", state: "online", paired: false, canWake: false, problem: null },
    {
      id: "home/h4",
      name: "Laptop of Mira",
      kind: "At home",
      address: "mira.local",
      state: "offline",
      paired: true,
      canWake: false,
      problem: { kind: "offline", what: "The host does not answer.", why: "It is off, asleep, or in another network.", nextStep: "Turn it on and look again.", retry: true },
    },
  ];
}

type Layers = Setting["layers"];

function setting(key: string, kind: Setting["kind"], value: Setting["value"], allowed: Layer[], more: Layers = []): Setting {
  const section = key.split(".")[0] ?? "look";
  return { key, section, kind, value, defaultValue: value, allowed, layers: [...more, { layer: "default", scope: null, value }] };
}

const toggle = { type: "toggle" } as const;
const choice = (...options: string[]): Setting["kind"] => ({ type: "choice", options });
const amount = (min: number, max: number, step: number, unit: string): Setting["kind"] => ({ type: "number", min, max, step, unit });

// As the registry calls them.
const USER: Layer[] = ["user"];
const STREAM: Layer[] = ["user", "network", "host", "game"];
const PLAY: Layer[] = ["user", "game"];

/** The registry of `crates/store`, with every value that was ever set, whatever its scope. */
export function settings(): Setting[] {
  return [
    setting("video.size", choice("auto", "1280x720", "1920x1080", "2560x1440", "3840x2160"), "auto", STREAM, [
      { layer: "game", scope: "demo/c1", value: "1280x720" },
      { layer: "host", scope: "home", value: "2560x1440" },
      { layer: "user", scope: null, value: "1920x1080" },
    ]),
    setting("video.fps", choice("auto", "30", "60", "90", "120", "144", "240"), "auto", STREAM, [
      { layer: "game", scope: "demo/c1", value: "120" },
      { layer: "host", scope: "demo", value: "60" },
    ]),
    setting("video.codec", choice("auto", "h264", "hevc", "av1", "vp9", "vp8"), "auto", STREAM),
    setting("video.bitrate_kbps", amount(0, 200_000, 500, "kbit/s"), 0, STREAM, [{ layer: "host", scope: "demo", value: 20_000 }]),
    setting("video.decoder", choice("auto", "software"), "auto", STREAM),
    setting("video.renderer", choice("auto", "gpu", "software"), "auto", USER),
    setting("video.allow_damaged", toggle, false, STREAM),
    setting("video.tearing", toggle, false, PLAY),
    setting("audio.device", { type: "text" }, "default", USER),
    setting("input.keyboard", choice("auto", "pad", "keys"), "auto", PLAY),
    setting("window.mode", choice("windowed", "fullscreen"), "windowed", PLAY),
    setting("window.scaling", choice("fit", "integer", "fill"), "fit", PLAY),
    setting("overlay.start", choice("off", "line", "compact", "full"), "off", PLAY),
    setting("network.root_certificate", { type: "text" }, "", ["user", "host"]),
    setting("play.confirm_stop", toggle, true, USER),
    setting("look.theme", choice("system", "dark", "light"), "system", USER),
    setting("look.language", choice("system", "en", "de"), "system", USER),
    setting("look.ten_foot", toggle, false, USER),
    setting("look.reduced_motion", choice("system", "on", "off"), "system", USER),
    setting("look.text_size", amount(80, 200, 10, "%"), 100, USER),
    setting("library.art_cache_mib", amount(16, 8192, 16, "MiB"), 512, USER),
    setting("privacy.hide_names", toggle, false, USER),
  ];
}

/** The part of the values that counts there, as the store resolves it. */
export function resolved(all: readonly Setting[], host: string | null, game: string | null): Setting[] {
  const scopes: Partial<Record<Layer, string | null>> = { host, game };
  return all.map((one) => {
    const layers = one.layers.filter(({ layer, scope }) => scope === null || scope === scopes[layer]);
    return { ...one, layers, value: layers[0]?.value ?? one.defaultValue };
  });
}

export function report(kind: "good" | "bad"): AfterPlay {
  const good = kind === "good";
  return {
    cardId: "c1",
    title: "Meteor Mile",
    ended: good ? "You stopped the game." : "The connection to the host was lost: nothing came for 12 seconds.",
    seconds: good ? 1860 : 412,
    score: good ? 94 : 38,
    figures: [
      { name: "picture", value: good ? "60 fps, 0.1 % missed" : "41 fps, 6.4 % missed", grade: good ? "good" : "poor", explained: "Pictures of the game that reached your screen, and the share that did not." },
      { name: "input_to_photon", value: good ? "31 ms (1 in 100: 44 ms)" : "148 ms (1 in 100: 390 ms)", grade: good ? "good" : "poor", explained: "From your press to the first picture that shows it." },
      { name: "captured_to_presented", value: good ? "18 ms" : "74 ms", grade: good ? "good" : "fair", explained: "From the moment the host drew a picture to your screen." },
      { name: "rtt", value: good ? "8 ms" : "37 ms", grade: good ? "good" : "fair", explained: "There and back between you and the host." },
      { name: "loss", value: good ? "0.0 % (100 % came back)" : "6.1 % (32 % came back)", grade: good ? "good" : "poor", explained: "Packets of the picture that were missing, and how many of them came back in time." },
      { name: "sound", value: good ? "0 ms mended, 0 gaps" : "840 ms mended, 3 gaps", grade: good ? "good" : "poor", explained: "Sound that was made up for missing packets, and moments without any." },
      ...(good ? [] : [{ name: "reconnects", value: "1", grade: "fair" as const, explained: "Times that the connection was gone and came back." }]),
    ],
    advice: good
      ? []
      : [
          "Pictures were lost on the way: use a cable or move closer to the router, or lower the bit rate.",
          "Packets were lost on the way: a cable is better than Wi-Fi, and 5 GHz is better than 2.4 GHz.",
        ],
    file: "/home/you/.local/share/entente/reports/2026-11-30-meteor-mile.json",
  };
}

export function checks(): Check[] {
  return [
    { id: "player", name: "Player", state: "good", found: "entente-player 0.1.0 answers.", nextStep: null },
    { id: "decoder", name: "Video decoder", state: "warning", found: "Only software decoding was found. It keeps up at 1080p and 60 pictures a second.", nextStep: "Install the driver of your graphics card for less delay." },
    { id: "keyring", name: "Keyring", state: "good", found: "Sign-ins can be sealed.", nextStep: null },
    { id: "network", name: "Network", state: "good", found: "4 ms to the demo cloud, no loss.", nextStep: null },
    { id: "north", name: "North Cloud", state: "bad", found: "The service answers with an error (503).", nextStep: "Nothing is wrong here. Try again in a few minutes." },
    { id: "pad", name: "Controller", state: "skipped", found: "None is plugged in.", nextStep: null },
  ];
}

export const STAGES = ["asking", "preparing", "gathering", "negotiating", "connecting", "securing", "waiting_for_picture", "playing"];
