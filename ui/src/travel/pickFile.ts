/**
 * Asks for a file. It is chosen in a dialog of the system, so that nothing on the page has to hold a field for it.
 */

/** The field behind the dialog that was opened last. It stays on the page: a web view may forget one that does not. */
let field: HTMLInputElement | null = null;

/** Opens the dialog; a file that is chosen is handed over. */
export function pickFile(accept: string, onfile: (file: File) => void): void {
  const input = document.createElement('input');
  input.type = 'file';
  input.accept = accept;
  input.hidden = true;
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    if (file) onfile(file);
  });
  field?.remove();
  field = input;
  document.body.append(input);
  input.click();
}
