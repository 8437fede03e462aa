"""Folders and files: what is uploaded is read, listed, and found by the agent's tools for files."""

from letta_client import APIStatusError

from checks import check, holds, same, wait_until
from endpoint import script
from things import fresh
from world import whole_list

EMBEDDING = "openai/text-embedding-3-small"

MARKDOWN = b"# House\n\nThe boiler is in the cellar.\n\n## Garden\n\nThe ladder is in the shed.\n"


def pdf(text):
    """A document of one page that says this."""
    content = f"BT /F1 24 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    text, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(text))
        text += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(text))
    return text + b"xref\n0 %d\n0000000000 65535 f \n" % count + table + trailer


def new_folder(world):
    """A folder of its own."""
    return world.letta.folders.create(name=fresh("folder"), embedding=EMBEDDING)


def upload(world, folder, name, content, **options):
    """Uploads a file and waits until it is read."""
    file = world.letta.folders.files.upload(folder.id, file=(name, content), **options)

    def read():
        now = world.letta.folders.files.retrieve(file.id, folder_id=folder.id, include_content=True)
        return now if now.processing_status in ("completed", "error") else None

    return wait_until(read, f"{name} is not read")


@check
def text_markdown_and_pdf_are_read(world):
    folder = new_folder(world)
    for name, content, word in (
        ("note.txt", "The key is under the mat. é漢\n".encode(), "é漢"), ("house.md", MARKDOWN, "boiler"),
        ("letter.pdf", pdf("The piano tuner comes in May."), "piano tuner"),
    ):
        file = upload(world, folder, name, content)
        same(file.processing_status, "completed", f"{name}: {file.error_message}")
        holds(word in (file.content or ""), f"the content of {name}: {file.content}")
        same(file.file_name, name, "its name")


@check
def a_file_that_cannot_be_read_says_so(world):
    folder = new_folder(world)
    try:
        file = upload(world, folder, "broken.pdf", b"%PDF-1.4 nothing of the kind")
        same(file.processing_status, "error", "the status")
        holds(file.error_message, "and why")
    except APIStatusError as error:
        holds(error.status_code in (400, 415, 422), f"refused: {error.body}")
    try:
        world.letta.folders.files.upload(folder.id, file=("program.exe", b"MZ\x00\x01\x02"))
        raise AssertionError("a program was taken")
    except APIStatusError as error:
        holds(error.status_code in (415, 400, 422), f"the status: {error.status_code}")


@check
def a_name_that_is_taken_is_handled_as_asked(world):
    letta, folder = world.letta, new_folder(world)
    first = upload(world, folder, "note.txt", b"one")
    second = upload(world, folder, "note.txt", b"two")
    holds(second.id != first.id and second.file_name != "note.txt", f"a suffix by default: {second.file_name}")
    same(upload(world, folder, "note.txt", b"three", duplicate_handling="skip").id, first.id, "skip gives what is there")
    try:
        letta.folders.files.upload(folder.id, file=("note.txt", b"four"), duplicate_handling="error")
        raise AssertionError("it was taken")
    except APIStatusError as error:
        holds(error.status_code in (400, 409), f"error: {error.status_code}")
    replaced = upload(world, folder, "note.txt", b"five", duplicate_handling="replace")
    names = sorted(file.file_name for file in whole_list(letta.folders.files.list(folder.id)))
    same((replaced.content, len(names)), ("five", 2), f"replace leaves no double: {names}")


@check
def an_agent_finds_what_is_in_its_files(world):
    letta, folder = world.letta, new_folder(world)
    upload(world, folder, "house.md", MARKDOWN)
    agent = world.agent()
    letta.agents.folders.attach(folder.id, agent_id=agent.id)
    name = next(iter(letta.agents.files.list(agent.id))).file_name
    for call, arguments, word in (
        ("grep_files", {"pattern": "boil[a-z]+"}, "The boiler is in the cellar."),
        ("semantic_search_files", {"query": "Where is the ladder?"}, "The ladder is in the shed."),
        ("open_files", {"file_requests": [{"file_name": name}]}, ""),
    ):
        content = script({"call": call, "arguments": arguments}, {"say": "Done."})
        answer = letta.agents.messages.create(agent_id=agent.id, input=content)
        result = next(message for message in answer.messages if message.message_type == "tool_return_message")
        holds(result.status == "success" and word in result.tool_return, f"{call}: {result.tool_return}")
    shown = next(iter(letta.agents.files.list(agent.id, is_open=True)))
    holds("The boiler" in (shown.visible_content or ""), f"the open file is shown: {shown}")
    holds("The boiler" in letta.agents.recompile(agent.id), "and stands in the prompt")
    letta.agents.files.close_all(agent.id)
    holds("The boiler" not in letta.agents.recompile(agent.id), "until it is closed")


@check
def a_detached_folder_takes_its_files_along(world):
    letta, folder = world.letta, new_folder(world)
    upload(world, folder, "house.md", MARKDOWN)
    agent = world.agent(folder_ids=[folder.id])
    same(len(whole_list(letta.agents.files.list(agent.id))), 1, "the file is there")
    letta.agents.folders.detach(folder.id, agent_id=agent.id)
    same(whole_list(letta.agents.files.list(agent.id)), [], "and is not")
    letta.folders.delete(folder.id)
    same(world.raw("GET", f"/v1/folders/{folder.id}").status_code, 404, "the folder is gone")
