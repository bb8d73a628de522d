/**
 * Problems in other languages than the shell's own English, by `kind`. A kind that is missing here is shown as the shell
 * sent it: an English sentence is better than none.
 */
export interface ProblemText {
  what: string;
  why: string;
  nextStep: string;
}

export const problemTexts: Record<string, Record<string, ProblemText>> = {
  de: {
    offline: {
      what: "Der Dienst ist nicht erreichbar.",
      why: "Dieser Computer hat gerade keine Verbindung dorthin.",
      nextStep: "Prüfe das Netz und versuche es noch einmal.",
    },
    service_busy: {
      what: "Der Dienst kann gerade nicht.",
      why: "Er ist überlastet oder hat selbst einen Fehler.",
      nextStep: "Warte eine Minute und versuche es noch einmal.",
    },
    bad_answer: {
      what: "Der Dienst hat Unverständliches geantwortet.",
      why: "Die Antwort war nicht das, was abgemacht ist.",
      nextStep: "Versuche es noch einmal. Bleibt es so, sieh in die Prüfung.",
    },
    not_secure: {
      what: "Die Verbindung ist nicht sicher.",
      why: "Das Zertifikat des Dienstes stimmt nicht.",
      nextStep: "Nutze ein anderes Netz oder frage den Betreiber.",
    },
    declined: {
      what: "Die Anmeldung wurde abgelehnt.",
      why: "Auf der Seite des Dienstes wurde „Nein“ gewählt.",
      nextStep: "Fange neu an und stimme dort zu.",
    },
    expired: {
      what: "Die Zeit ist um.",
      why: "Die Antwort kam nicht rechtzeitig, oder der Code wurde nicht eingegeben.",
      nextStep: "Fange noch einmal an.",
    },
    signed_out: {
      what: "Du bist bei diesem Dienst nicht angemeldet.",
      why: "Die Anmeldung fehlt oder wurde dort beendet.",
      nextStep: "Melde dich neu an.",
    },
    not_entitled: {
      what: "Dein Konto darf das nicht.",
      why: "Das Spiel oder der Dienst gehört nicht dazu.",
      nextStep: "Kaufe es dort und frische die Bibliothek auf.",
    },
    not_found: {
      what: "Das gibt es nicht mehr.",
      why: "Der Dienst führt es nicht.",
      nextStep: "Frische die Bibliothek auf.",
    },
    bad_input: {
      what: "Das wurde nicht angenommen.",
      why: "Die Eingabe stimmt nicht.",
      nextStep: "Prüfe sie und versuche es noch einmal.",
    },
    wrong_clock: {
      what: "Die Uhr dieses Computers geht falsch.",
      why: "Der Dienst nimmt Anfragen aus einer anderen Zeit nicht an.",
      nextStep: "Stelle die Uhr und versuche es noch einmal.",
    },
    secrets: {
      what: "Die Anmeldungen sind nicht zugänglich.",
      why: "Sie sind gesperrt oder lassen sich nicht lesen.",
      nextStep: "Entsperre sie oder gehe ohne gesicherte Anmeldungen weiter.",
    },
    storage: {
      what: "Entente kann nicht lesen oder schreiben.",
      why: "Der Datenträger ist voll, oder eine Datei ist gesperrt oder beschädigt.",
      nextStep: "Mache Platz und versuche es noch einmal.",
    },
    cancelled: {
      what: "Angehalten.",
      why: "Du hast es so gewollt.",
      nextStep: "Fange wieder an, wann du magst.",
    },
    player: {
      what: "Das Spiel ist nicht gestartet oder unerwartet zu Ende gegangen.",
      why: "Der Player hat sich beendet.",
      nextStep: "Spiele noch einmal.",
    },
    unsupported: {
      what: "Das kann dieser Dienst nicht.",
      why: "Er bietet es nicht an.",
      nextStep: "Nimm einen anderen Weg.",
    },
    fault: {
      what: "In Entente ist etwas schiefgegangen.",
      why: "Das ist unser Fehler.",
      nextStep: "Versuche es noch einmal. Bleibt es so, sieh in die Prüfung.",
    },
    shell_fault: {
      what: "Entente konnte das nicht tun.",
      why: "Der Teil hinter dem Fenster hat nicht geantwortet.",
      nextStep: "Schließe Entente und starte neu. Bleibt es so, sieh in die Prüfung.",
    },
  },
};
