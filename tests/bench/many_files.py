"""An image of 100 000 small files: what changing every owner costs."""

import io
import tarfile

import make_image

FILES, FOLDERS = 100_000, 2_000
SIZES = (0, 100, 700, 2500)  # bytes, in turn; as in trees of sources and of interpreters, most files fill one page


def layer():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder in range(FOLDERS):
            tar.addfile(make_image.directory_entry(f"many/{folder % 40}/{folder}"))
            for number in range(FILES // FOLDERS):
                info = make_image.file_entry(f"many/{folder % 40}/{folder}/{number}")
                info.size = SIZES[number % len(SIZES)]
                tar.addfile(info, io.BytesIO(b"%08d " % (folder * 1000 + number) * 300))
    return buffer.getvalue()


def image(name):
    return make_image.busybox_image(name).add_layer(layer(), "zstd")


def describe():
    return f"{FILES} files in {FOLDERS} folders, {FILES // len(SIZES) * sum(SIZES) // 1_000_000} MB"
