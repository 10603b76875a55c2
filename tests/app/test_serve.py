"""`tlcourse serve` as a process."""

import subprocess
import sys
import urllib.error
import urllib.request

import picture_kit
import pytest

from tlcourse.cli import main


@pytest.fixture
def address(model_file):
    command = [sys.executable, "-m", "tlcourse.cli", "serve", str(model_file), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        line = next(line for line in process.stdout if line.startswith("http://127.0.0.1:"))
        yield line.split()[0]
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()


def test_it_prints_where_it_is_and_answers_there(address):
    with urllib.request.urlopen(address, timeout=30) as page:
        assert b"Ask the model" in page.read()
    request = urllib.request.Request(f"{address}answer", data=picture_kit.encoded(picture_kit.drawing()))
    with urllib.request.urlopen(request, timeout=30) as reply:
        assert b"umbrella" in reply.read()
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address}answer", data=b"x" * 6_000_000, timeout=30)
    assert refused.value.code == 413


def test_what_is_no_model_is_named(tmp_path, capsys):
    assert main(["serve", str(tmp_path / "none.onnx")]) == 1
    assert "There is no model file" in capsys.readouterr().err
    (tmp_path / "text.onnx").write_text("hello")
    assert main(["serve", str(tmp_path / "text.onnx")]) == 1
    assert "is not an ONNX file" in capsys.readouterr().err


def test_a_taken_port_is_named(model_file, capsys):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", str(model_file), "--port", str(taken.getsockname()[1])]) == 1
    assert "Cannot listen" in capsys.readouterr().err


def test_an_app_for_nobody_is_refused(model_file, capsys):
    assert main(["serve", str(model_file), "--most", "0"]) == 1
    assert "answers nobody" in capsys.readouterr().err
