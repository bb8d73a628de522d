/** The keyboard on the screen: which field it writes into, if it is open. */
class ScreenKeys {
  field = $state.raw<HTMLInputElement | null>(null);

  open(field: HTMLInputElement): void {
    this.field = field;
  }

  close(): void {
    const field = this.field;
    this.field = null;
    field?.focus();
  }
}

export const screenKeys = new ScreenKeys();
