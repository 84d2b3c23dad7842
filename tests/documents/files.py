"""Files to upload: ordinary ones, and those that somebody made to hurt."""

import io
import struct
import zipfile
import zlib

import docx
import pptx
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

CONTENT_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/word/document.xml" ContentType="{}"/></Types>'
)
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
DOCM = "application/vnd.ms-word.document.macroEnabled.main+xml"


def make_pdf(pages: int = 3, width: float = 612, height: float = 792, text: str = "Page") -> bytes:
    """Return a PDF whose pages say `text` and their number."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids = []
    for number in range(1, pages + 1):
        stream = f"BT /F1 24 Tf 72 {height - 72} Td ({text} {number}) Tj ET".encode()
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream))
        kids.append(len(objects) + 1)
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents %d 0 R/Resources<</Font<</F1 3 0 R>>>>>>"
            % (width, height, len(objects))
        )
    objects[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (pages, b" ".join(b"%d 0 R" % kid for kid in kids))
    return assemble(objects)


def assemble(objects: list[bytes], trailer: bytes = b"") -> bytes:
    """Return a PDF of `objects`, numbered from 1; the first is its catalogue."""
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    return bytes(out)


def make_encrypted_pdf() -> bytes:
    """Return a PDF that asks for a password: its standard handler knows one that nobody does."""
    pdf = make_pdf(1)
    handler = b"<</Filter/Standard/V 1/R 2/O<%s>/U<%s>/P -44>>" % (b"11" * 32, b"22" * 32)
    return pdf.replace(b"/Root 1 0 R", b"/Root 1 0 R/Encrypt " + handler + b"/ID[<00><00>]")


def make_deflate_bomb_pdf(megabytes: int = 1000) -> bytes:
    """Return a PDF whose page's content unpacks to `megabytes` of nothing."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b" " * 2**20) for _ in range(megabytes)) + packer.flush()
    return _with_content(b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(packed), packed))


def make_endless_pdf() -> bytes:
    """Return a PDF that says it has 100,000 pages, all of them the same one."""
    kids = b" ".join([b"3 0 R"] * 100_000)
    return assemble([
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 100000/Kids[%s]>>" % kids,
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>",
    ])  # fmt: skip


def make_deep_pdf(depth: int = 20_000) -> bytes:
    """Return a PDF whose only page stands below `depth` levels of its tree."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>"]
    objects += [b"<</Type/Pages/Count 1/Kids[%d 0 R]>>" % (number + 3) for number in range(depth)]
    objects.append(b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 612 792]>>" % (depth + 1))
    return assemble(objects)


def make_heavy_pdf(lines: int = 3_000_000) -> bytes:
    """Return a PDF whose page draws `lines` lines from corner to corner."""
    packed = zlib.compress(b"0 0 m 600 700 l S " * lines, 9)
    return _with_content(b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(packed), packed))


def make_huge_picture_pdf(side: int = 30_000) -> bytes:
    """Return a PDF with a picture of `side` × `side` pixels, all of them black."""
    packed = zlib.compress(bytes(side * side // 8), 9)
    picture = b"<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 1" % (
        side,
        side,
    )
    content = b"q 600 0 0 700 0 0 cm /I Do Q"
    return assemble([
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        picture + b"/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(packed), packed),
    ])  # fmt: skip


def _with_content(stream: bytes) -> bytes:
    return assemble([
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R>>",
        stream,
    ])  # fmt: skip


def make_docx(*paragraphs: str, includes: str = "") -> bytes:
    """Return a Word file; with a field that wants the text of the file `includes`."""
    document = docx.Document()
    for paragraph in paragraphs or ("Hello",):
        document.add_paragraph(paragraph)
    if includes:
        field = OxmlElement("w:fldSimple")
        field.set(qn("w:instr"), f'INCLUDETEXT "{includes}"')
        document.paragraphs[0].runs[0]._r.addnext(field)
    return _save(document)


def make_laughing_docx() -> bytes:
    """Return a Word file whose text is an entity of entities of entities."""
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    xml = f'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY e0 "ha">{entities}]>'
    return _with_document(make_docx(), f'{xml}<w:document xmlns:w="{W}"><w:body><w:p><w:r><w:t>&e9;</w:t></w:r></w:p>')


def make_deep_docx(depth: int = 3000) -> bytes:
    """Return a Word file with a table in a table in a table."""
    cell = ("<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl><w:p/>")
    body = cell[0] * depth + "<w:p/>" + cell[1] * depth
    return _with_document(make_docx(), f'<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>')


def make_fetching_docx(url: str) -> bytes:
    """Return a Word file with a picture, a field and a template that stand at `url`."""
    document = docx.Document()
    for instruction in (f'INCLUDEPICTURE "{url}" \\d', f'INCLUDETEXT "{url}"'):
        field = OxmlElement("w:fldSimple")
        field.set(qn("w:instr"), instruction)
        document.add_paragraph("before").runs[0]._r.addnext(field)
    for kind in ("image", "attachedTemplate", "oleObject"):
        address = f"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}"
        relation = document.part.relate_to(url, address, is_external=True)
        if kind == "image":
            blip = OxmlElement("a:blip")
            blip.set(qn("r:link"), relation)
            document.add_paragraph().add_run()._r.append(blip)
    return _save(document)


def _with_document(word_file: bytes, xml: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(word_file)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, xml if name == "word/document.xml" else old.read(name))
    return out.getvalue()


def make_pptx(slides: int = 2) -> bytes:
    """Return a PowerPoint file."""
    presentation = pptx.Presentation()
    for number in range(1, slides + 1):
        slide = presentation.slides.add_slide(presentation.slide_layouts[0])
        slide.shapes.title.text = f"Slide {number}"
    return _save(presentation)


def make_zip(*members: tuple[str, bytes], main: str = DOCX) -> bytes:
    """Return a ZIP that calls itself a Word file, with these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", CONTENT_TYPES.format(main))
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def make_zip_bomb(megabytes: int = 600) -> bytes:
    """Return a Word file with one member that unpacks to `megabytes`."""
    return make_zip(("word/document.xml", bytes(megabytes * 2**20)))


def make_nested_zip(depth: int = 5) -> bytes:
    """Return a Word file with a ZIP in a ZIP in a ZIP."""
    inner = make_zip(("a", b"end"))
    for _ in range(depth):
        inner = make_zip(("embedded.docx", inner))
    return inner


def make_lying_zip() -> bytes:
    """Return a Word file whose table of contents says that a large member is small."""
    large = 8 * 2**20
    packed = make_zip(("word/document.xml", bytes(large)))
    return packed.replace(struct.pack("<I", large), struct.pack("<I", 10))


def _save(made: object) -> bytes:
    out = io.BytesIO()
    made.save(out)  # type: ignore[attr-defined]
    return out.getvalue()
