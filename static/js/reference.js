// Draws a dialect's OpenAPI document. Nothing is sent to a validator elsewhere.
const place = document.getElementById("reference");

window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.document,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  filter: true,
  validatorUrl: "none",
  presets: [window.SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
});
