// Keys of sign-in: not offered where the browser knows none; what went wrong is said in words.
for (const part of document.querySelectorAll("[data-needs-keys]")) part.hidden = !globalThis.PublicKeyCredential;

const WORDS = {
  NotAllowedError: "Ключ не выбран или время вышло. Попробуйте ещё раз.",
  InvalidStateError: "Этот ключ уже добавлен.",
  SecurityError: "Ключи работают только по защищённому адресу (https). Сообщите администратору.",
};

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const said = document.getElementById("key-error");
  if (!said) return;
  said.textContent = WORDS[event.detail.exception.name] ?? "Браузер не смог воспользоваться ключом. Войдите другим способом.";
  said.hidden = false;
});
