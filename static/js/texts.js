// Sentences in the reader's language, as the page brings them (templates/portal/layouts/document.html).
export const texts = document.getElementById("texts").dataset;

export function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
