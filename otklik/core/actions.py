"""What each action of the journals is called: the only table of these words, for the auditor's pages and the card."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from django.apps import apps
from wagtail.log_actions import registry

NAMES: Final[dict[str, str]] = {
    "appeal.registered": "зарегистрировано",
    "appeal.joined": "присоединено письмо",
    "appeal.reply_seen": "письмо заявителя прочитано",
    "appeal.questions_proposed": "предложены тема и потребность",
    "appeal.classified": "тема и потребность подтверждены",
    "appeal.assigned": "назначен исполнитель",
    "appeal.drafting_begun": "начат ответ",
    "appeal.draft_saved": "сохранён текст ответа",
    "appeal.material_inserted": "вставлен материал Базы знаний",
    "appeal.file_attached": "приложен файл к ответу",
    "appeal.file_detached": "убран файл из ответа",
    "appeal.approval_asked": "передано на согласование",
    "appeal.changed_in_approval": "текст изменён, согласование начнётся заново",
    "appeal.approved": "согласовано",
    "appeal.returned": "возвращено на доработку",
    "appeal.given_back": "снято с согласования после замечания",
    "appeal.frozen": "передано на подпись",
    "appeal.withdrawn": "отозвано с подписи",
    "appeal.signed": "подписано",
    "appeal.sent": "ответ передан на отправку",
    "appeal.sent_another_way": "ответ направлен другим способом",
    "appeal.send_undone": "отправка отменена",
    "appeal.reopened": "начат новый ответ",
    "appeal.closed": "закрыто",
    "appeal.moved": "состояние изменено",
    "appeal.noted": "добавлена внутренняя заметка",
    "appeal.opened": "открыто обращение",
    "appeal.redated": "срок пересчитан",
    "appeal.paused": "срок приостановлен",
    "appeal.resumed": "срок возобновлён",
    "message.accepted": "сообщение принято",
    "message.read": "сообщение разобрано",
    "message.quarantined": "сообщение помещено в карантин",
    "message.retried": "сообщение отправлено на повторный разбор",
    "message.filled_in": "содержание сообщения введено вручную",
    "message.registered": "сообщение зарегистрировано",
    "message.joined": "сообщение присоединено к обращению",
    "message.rejected": "сообщение отклонено",
    "message.opened": "открыто сообщение",
    "message.original_opened": "открыт оригинал сообщения",
    "message.sender_revealed": "открыты персональные данные отправителя сообщения",
    "outgoing.queued": "письмо поставлено в очередь",
    "outgoing.sent": "письмо отправлено",
    "outgoing.postponed": "отправка письма отложена",
    "outgoing.failed": "письмо не отправлено",
    "outgoing.unknown": "неизвестно, дошло ли письмо",
    "outgoing.bounced": "письмо не доставлено",
    "outgoing.cancelled": "отправка письма отменена",
    "outgoing.resent": "письмо отправляется ещё раз",
    "outgoing.given_up": "отправка письма прекращена",
    "outgoing.set_aside": "решено не отправлять письмо",
    "outgoing.settled": "выяснено, дошло ли письмо",
    "outgoing.posted": "письмо отправлено почтой или вручено",
    "applicant.created": "внесён заявитель",
    "applicant.completed": "дополнены сведения о заявителе",
    "applicant.merged": "карточки заявителя объединены",
    "applicant.merge_undone": "объединение карточек отменено",
    "applicant.revealed": "открыты персональные данные заявителя",
    "feedback.answered": "получена оценка ответа",
    "feedback.contact_allowed": "заявитель разрешил с ним связаться",
    "people.substituted": "назначено замещение",
    "people.substitution_ended": "замещение отменено",
    "token.created": "выдан ключ доступа",
    "token.ended": "завершён ключ доступа",
    "calendar.loaded": "загружен производственный календарь",
    "calendar.day_set": "изменён день календаря",
    "calendar.year_approved": "утверждён год календаря",
    "calendar.year_unapproved": "снята отметка об утверждении года календаря",
    "terms.rule_added": "добавлен срок",
    "terms.rule_replaced": "изменён срок",
    "terms.rule_ended": "срок завершён",
    "regime.loaded": "загружен порядок рассмотрения",
    "regime.added": "добавлен режим рассмотрения",
    "regime.changed": "изменён режим рассмотрения",
    "role.loaded": "загружена роль",
    "appeals.dictionaries_loaded": "загружены справочники",
}
_VERBS: Final = {"added": "добавлено", "changed": "изменено"}


@lru_cache(maxsize=512)
def name_of(action: str) -> str:
    """Return the Russian words for an action: ours, of a dictionary's row, or as Wagtail calls its own."""
    if action in NAMES:
        return NAMES[action]
    kind, _, verb = action.rpartition(".")
    ours = {model._meta.model_name: model._meta.verbose_name for model in apps.get_models()}
    if verb in _VERBS and kind in ours:
        return f"{_VERBS[verb]}: {ours[kind]}"
    return str(registry.get_action_label(action)).lower() if registry.action_exists(action) else action
