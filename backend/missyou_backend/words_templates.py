# ruff: noqa: RUF001 - these are letters of the languages, not look-alikes.
"""Messages for when no AI writes them: first person, warm, short, and right for any mood and any two people.

`{source}` is the sender's name. We know nothing about either person, so no sentence depends on a gender or inflects the
name. Keys are ISO 639-1 codes, with which BCP 47 tags begin.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Template:
    """One language: its names (lower case, as people type them), a title and interchangeable texts."""

    names: tuple[str, ...]
    title: str
    texts: tuple[str, ...]


DEFAULT_LANGUAGE = "en"

TEMPLATES: dict[str, Template] = {
    "en": Template(
        ("english",),
        "{source} misses you",
        (
            "Just a little note to say that I miss you.",
            "I'm thinking of you right now, and I wish you were here.",
            "You crossed my mind, and I wanted you to know. I miss you.",
            "It just isn't the same without you. See you soon, I hope!",
        ),
    ),
    "de": Template(
        ("german", "deutsch"),
        "{source} vermisst dich",
        (
            "Nur ein kleiner Gruß, um dir zu sagen: Du fehlst mir.",
            "Ich denke gerade an dich und wünschte, du wärst hier.",
            "Du gehst mir nicht aus dem Kopf. Ich vermisse dich.",
            "Ohne dich ist es einfach nicht dasselbe. Hoffentlich bis bald!",
        ),
    ),
    "es": Template(
        ("spanish", "español", "espanol", "castellano"),
        "{source} te echa de menos",
        (
            "Solo quería decirte que te echo de menos.",
            "Estoy pensando en ti y me encantaría que estuvieras aquí.",
            "No te me vas de la cabeza. Te echo mucho de menos.",
            "Sin ti no es lo mismo. ¡Ojalá nos veamos pronto!",
        ),
    ),
    "fr": Template(
        ("french", "français", "francais"),
        "Tu manques à {source}",
        (
            "Juste un petit mot pour te dire que tu me manques.",
            "Je pense à toi en ce moment et j'aimerais que tu sois là.",
            "Je pensais à toi et je voulais que tu le saches. Tu me manques.",
            "Sans toi, ce n'est pas pareil. À très vite, j'espère !",
        ),
    ),
    "it": Template(
        ("italian", "italiano"),
        "Manchi a {source}",
        (
            "Solo un pensiero per dirti che mi manchi.",
            "Ti sto pensando e vorrei che fossi qui.",
            "Mi è tornato in mente il tuo sorriso: quanto mi manchi!",
            "Senza di te non è la stessa cosa. Spero a presto!",
        ),
    ),
    "pt": Template(
        ("portuguese", "português", "portugues"),
        "{source} está com saudades de você",
        (
            "Só passei para dizer que estou com saudades.",
            "Estou pensando em você e queria que você estivesse aqui.",
            "Você não sai da minha cabeça. Que saudade!",
            "Sem você não é a mesma coisa. Espero te ver em breve!",
        ),
    ),
    "nl": Template(
        ("dutch", "nederlands"),
        "{source} mist je",
        (
            "Even een berichtje om te zeggen dat ik je mis.",
            "Ik denk nu aan je en wou dat je hier was.",
            "Je zit in mijn gedachten. Ik mis je.",
            "Zonder jou is het gewoon niet hetzelfde. Hopelijk tot gauw!",
        ),
    ),
    "pl": Template(
        ("polish", "polski"),
        "{source} tęskni za tobą",
        (
            "Chcę ci tylko powiedzieć, że za tobą tęsknię.",
            "Myślę teraz o tobie. Szkoda, że cię tu nie ma.",
            "Wciąż o tobie myślę. Brakuje mi ciebie.",
            "Bez ciebie to nie to samo. Oby do zobaczenia wkrótce!",
        ),
    ),
    "tr": Template(
        ("turkish", "türkçe", "turkce"),
        "{source} seni özledi",
        (
            "Sadece seni özlediğimi söylemek istedim.",
            "Şu an seni düşünüyorum, keşke burada olsan.",
            "Aklımdasın, bunu bilmeni istedim. Seni özledim.",
            "Sensiz hiçbir şey aynı değil. Umarım yakında görüşürüz!",
        ),
    ),
    "ru": Template(
        ("russian", "русский"),
        "{source} скучает по тебе",
        (
            "Просто хочу сказать, что скучаю по тебе.",
            "Думаю о тебе прямо сейчас. Жаль, что тебя нет рядом.",
            "Ты не выходишь у меня из головы. Мне тебя не хватает.",
            "Без тебя всё не так. Надеюсь, скоро увидимся!",
        ),
    ),
    "ja": Template(
        ("japanese", "日本語"),
        "{source}さんが会いたがっています",
        (
            "ただ、会いたいと伝えたくて。",
            "今、あなたのことを考えています。ここにいてくれたらいいのに。",
            "ふと思い出して、声をかけたくなりました。会いたいです。",
            "あなたがいないと、やっぱり違います。早く会えますように。",
        ),
    ),
    "zh": Template(
        ("chinese", "mandarin", "中文", "汉语", "普通话"),
        "{source} 想你了",
        (
            "只是想告诉你,我想你了。",
            "此刻正在想你,要是你在这里就好了。",
            "忽然想起了你,想让你知道:我很想你。",
            "没有你,一切都不一样。希望很快能见到你!",
        ),
    ),
    "ko": Template(
        ("korean", "한국어"),
        "{source}님이 보고 싶어 해요",
        (
            "그냥 보고 싶다고 말하고 싶었어요.",
            "지금 생각하고 있어요. 여기 함께 있으면 좋겠어요.",
            "문득 생각나서 전해요. 많이 보고 싶어요.",
            "함께가 아니니 예전 같지 않네요. 곧 만나요!",
        ),
    ),
    "ar": Template(
        ("arabic", "العربية", "عربي"),
        "رسالة شوق من {source}",
        (
            "أردت فقط أن أقول لك: اشتقت إليك.",
            "أفكر فيك الآن، وليتك هنا.",
            "خطرت ببالي وأردت أن تصلك كلماتي. اشتقت إليك.",
            "لا شيء كما هو بدونك. أرجو أن نلتقي قريبًا!",
        ),
    ),
    "hi": Template(
        ("hindi", "हिन्दी", "हिंदी"),
        "{source} को आपकी याद आ रही है",
        (
            "बस इतना कहना था कि आपकी याद आ रही है।",
            "अभी आपका ही ख़याल आ रहा है। काश इस वक़्त आपका साथ होता!",
            "अचानक आपकी याद आई, सोचा बता दिया जाए।",
            "आपके बिना सब अधूरा लगता है। उम्मीद है, जल्द मुलाक़ात होगी!",
        ),
    ),
}
