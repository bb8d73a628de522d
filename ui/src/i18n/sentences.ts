/**
 * Sentences that the shell sends in English, in other languages. `{}` is a hole for whatever stands there. A sentence that
 * is missing here is shown as it came; a test compares this table with the source of the shell.
 */
export const sentenceTexts: Record<string, Record<string, string>> = {
  de: {
    // Advice after play.
    "This computer was too slow for every picture: choose a smaller picture or fewer frames a second.":
      "Dieser Computer war nicht für jedes Bild schnell genug: Wähle ein kleineres Bild oder weniger Bilder je Sekunde.",
    "Pictures were lost on the way: use a cable or move closer to the router, or lower the bit rate.":
      "Bilder gingen unterwegs verloren: Nimm ein Kabel, geh näher an den Router oder senke die Datenrate.",
    "Decoding takes most of the time between two pictures: choose fewer frames a second or a smaller picture.":
      "Das Auspacken braucht fast die ganze Zeit zwischen zwei Bildern: Wähle weniger Bilder je Sekunde oder ein kleineres Bild.",
    "The processor decodes the pictures and is hardly fast enough: update the graphics driver, or choose a smaller picture.":
      "Der Prozessor packt die Bilder aus und ist kaum schnell genug: Erneuere den Grafiktreiber oder wähle ein kleineres Bild.",
    "The host is far away: choose a nearer region if the service has one.":
      "Das Gerät ist weit weg: Wähle einen näheren Ort, wenn der Dienst einen hat.",
    "Packets were lost on the way: a cable is better than Wi-Fi, and 5 GHz is better than 2.4 GHz.":
      "Pakete gingen unterwegs verloren: Ein Kabel ist besser als WLAN, und 5 GHz sind besser als 2,4 GHz.",
    // Figures after play.
    "{} fps, {} % missed": "{} je Sekunde, {} % verpasst",
    "{} ms (1 in 100: {} ms)": "{} ms (1 von 100: {} ms)",
    "{} % ({} % came back)": "{} % ({} % kamen nach)",
    "{} ms mended, {} gaps": "{} ms geflickt, {} Lücken",
    // Why a game ended.
    "You stopped the game.": "Du hast das Spiel beendet.",
    "The asked time is over.": "Die gewünschte Zeit ist um.",
    "Interrupted.": "Unterbrochen.",
    "The launcher went away, so the player stopped too.": "Entente wurde beendet, darum endete auch das Spiel.",
    "The host ended the game: {}": "Das Gerät hat das Spiel beendet: {}",
    "The connection to the host was lost: {}": "Die Verbindung zum Gerät ging verloren: {}",
    // Why a way to play is closed.
    "Sign in to {} first.": "Melde dich zuerst bei {} an.",
    "Your account at {} does not have this game.": "Dein Konto bei {} hat dieses Spiel nicht.",
    "Your subscription at {} is over.": "Dein Abo bei {} ist zu Ende.",
  },
};

const quoted = (text: string): string => text.replace(/[.*+?^$()|[\]\\{}]/g, "\\$&");

/** Sentences with holes, ready to be matched. */
const patterns = new Map<string, [RegExp, string][]>(
  Object.entries(sentenceTexts).map(([language, table]) => [
    language,
    Object.entries(table)
      .filter(([from]) => from.includes("{}"))
      .map(([from, to]) => [new RegExp(`^${from.split("{}").map(quoted).join("(.+?)")}$`, "s"), to]),
  ]),
);

/** `text` in the language, or null where the table has no such sentence. */
export function translated(text: string, language: string): string | null {
  const whole = sentenceTexts[language]?.[text];
  if (whole !== undefined) return whole;
  for (const [pattern, to] of patterns.get(language) ?? []) {
    const parts = pattern.exec(text)?.slice(1);
    // Numbers in the holes are written as the language writes them.
    const mark = new Intl.NumberFormat(language).format(0.5).charAt(1);
    if (parts) return to.replace(/\{\}/g, () => (parts.shift() ?? "").replace(/^(\d+)\.(\d+)$/, `$1${mark}$2`));
  }
  return null;
}
