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
    declined: {
      what: "Die Anmeldung wurde abgelehnt.",
      why: "Auf der Seite des Dienstes wurde „Nein“ gewählt.",
      nextStep: "Fange neu an und stimme dort zu.",
    },
    expired: {
      what: "Die Anmeldung ist abgelaufen.",
      why: "Der Code wurde nicht rechtzeitig eingegeben.",
      nextStep: "Hole einen neuen Code.",
    },
    clock_wrong: {
      what: "Die Uhr dieses Computers geht falsch.",
      why: "Der Dienst nimmt Anfragen mit falscher Zeit nicht an.",
      nextStep: "Stelle die Uhr und versuche es noch einmal.",
    },
    revoked: {
      what: "Der Dienst hat die Anmeldung beendet.",
      why: "Sie wurde dort widerrufen, zum Beispiel nach einem neuen Passwort.",
      nextStep: "Melde dich neu an.",
    },
    service_busy: {
      what: "Der Dienst ist überlastet.",
      why: "Er nimmt gerade keine weiteren Anfragen an.",
      nextStep: "Warte eine Minute und versuche es noch einmal.",
    },
    service_error: {
      what: "Beim Dienst ist etwas schiefgegangen.",
      why: "Er antwortete mit einem Fehler.",
      nextStep: "Versuche es in ein paar Minuten noch einmal.",
    },
    slow: {
      what: "Der Dienst antwortet nicht.",
      why: "Die Zeit für eine Antwort ist um.",
      nextStep: "Versuche es noch einmal.",
    },
    not_understood: {
      what: "Der Dienst hat Unverständliches geantwortet.",
      why: "Die Antwort war nicht das, was abgemacht ist.",
      nextStep: "Versuche es noch einmal. Bleibt es so, sieh in die Prüfung.",
    },
    wrong_pin: {
      what: "Die PIN stimmt nicht.",
      why: "Das Gerät hat sie abgelehnt.",
      nextStep: "Sieh auf dem Gerät nach und gib sie neu ein.",
    },
    wrong_passphrase: {
      what: "Die Passphrase stimmt nicht.",
      why: "Damit ließen sich die Anmeldungen nicht öffnen.",
      nextStep: "Gib sie neu ein oder gehe ohne weiter.",
    },
    host_unreachable: {
      what: "Das Gerät antwortet nicht.",
      why: "Es ist aus, schläft oder ist in einem anderen Netz.",
      nextStep: "Schalte es ein und versuche es noch einmal.",
    },
    player_died: {
      what: "Der Player ist unerwartet zu Ende gegangen.",
      why: "Er hat sich selbst beendet. Das Spiel wartet beim Dienst noch einen Augenblick.",
      nextStep: "Spiele noch einmal, um weiterzumachen.",
    },
    disk_full: {
      what: "Der Datenträger ist voll.",
      why: "Entente konnte nicht schreiben.",
      nextStep: "Mache Platz und versuche es noch einmal.",
    },
    keyring_locked: {
      what: "Der Schlüsselbund ist gesperrt.",
      why: "Das System gibt den Schlüssel nicht her.",
      nextStep: "Entsperre ihn oder gehe ohne gesicherte Anmeldungen weiter.",
    },
    shell_fault: {
      what: "Entente konnte das nicht tun.",
      why: "Der Teil hinter dem Fenster hat nicht geantwortet.",
      nextStep: "Schließe Entente und starte neu. Bleibt es so, sieh in die Prüfung.",
    },
  },
};
