import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.outbound import (
    ForbiddenRedirect,
    ForbiddenUrl,
    check_redirect,
    check_url,
    same_recipient,
)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://example.com", "http://example.com/"),
        ("HTTPS://Example.COM:443/A?b=C#d", "https://example.com/A?b=C"),
        ("http://example.com:8080?x", "http://example.com:8080/?x"),
        ("http://example.com./a/../b", "http://example.com/a/../b"),
        ("http://8.8.8.8:80/", "http://8.8.8.8/"),
        ("http://[2606:4700:0:0::1111]:8443/x", "http://[2606:4700::1111]:8443/x"),
        ("http://[::ffff:8.8.8.8]/", "http://8.8.8.8/"),
        ("http://bücher.example/straße?ß=ü", "http://xn--bcher-kva.example/stra%C3%9Fe?%C3%9F=%C3%BC"),
        ("http://BÜCHER.example/", "http://xn--bcher-kva.example/"),
        ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"),
        ("http://my_service:8000/%41%20b", "http://my_service:8000/%41%20b"),
        ("http://a-b.1c/", "http://a-b.1c/"),
        ("http://example.com/a@b:c", "http://example.com/a@b:c"),
        ("http://example.com/?next=http://x@y/", "http://example.com/?next=http://x@y/"),
    ],
)
def test_check_url_brings_a_url_into_one_spelling(text, url):
    target = check_url(text)

    assert target.url == url
    assert check_url(url) == target


def test_check_url_takes_the_parts_apart():
    target = check_url("https://[2606:4700::1111]/path?secret=1")

    assert (target.scheme, target.host, target.port) == ("https", "2606:4700::1111", 443)
    assert str(target.address) == "2606:4700::1111"
    assert target.shown == "https://[2606:4700::1111]/path"
    assert check_url("http://example.com/").address is None
    assert len(check_url("http://example.com/" + "a" * 500).shown) < 130


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not begin with http"),
        ("example.com", "does not begin with http"),
        ("//example.com/", "does not begin with http"),
        ("http:/example.com/", "does not begin with http"),
        ("http:example.com", "does not begin with http"),
        ("ftp://example.com/", "does not begin with http"),
        ("file:///etc/passwd", "does not begin with http"),
        ("javascript://example.com/", "does not begin with http"),
        (" http://example.com/", "at character 1;"),
        ("http://example.com/\n", "at character 20;"),
        ("http://exa\tmple.com/", "at character 11;"),
        ("http://example.com\\@evil/", "at character 19;"),
        ("http://example.com/\x00", "at character 20;"),
        ("http://example.com/\u202e", "at character 20;"),
        ("http://example.com/\ud800", "at character 20;"),
        ("http://user@example.com/", "user name or password"),
        ("http://user:hunter2@example.com/", "user name or password"),
        ("http://example.com:80@evil/", "user name or password"),
        ("http://", "has no host"),
        ("http:///path", "has no host"),
        ("http://./", "has no host"),
        ("http://:80/", "has no host"),
        ("http://a..b/", "empty or over-long part"),
        ("http://.a/", "empty or over-long part"),
        ("http://a../", "empty or over-long part"),
        ("http://-a/", "empty or over-long part"),
        ("http://a-/", "empty or over-long part"),
        ("http://a!b/", "character that no host name has"),
        ("http://a,b/", "character that no host name has"),
        (f"http://{'a' * 64}/", "over-long part"),
        (f"http://{'a.' * 130}b/", "longer than 253"),
        ("http://a%2eb/", "the host holds %"),
        ("http://[fe80::1%25eth0]/", "zone ids"),
        ("http://[::1/", "brackets"),
        ("http://[::1]x/", "brackets"),
        ("http://[127.0.0.1]/", "no IPv6 address"),
        ("http://[v1.x]/", "no IPv6 address"),
        ("http://::1/", "has no host"),
        ("http://a:b:80/", "port is not a plain number"),
        ("http://a:/", "port is not a plain number"),
        ("http://a:0/", "port is not a plain number"),
        ("http://a:080/", "port is not a plain number"),
        ("http://a:+80/", "port is not a plain number"),
        ("http://a:65536/", "port is not a plain number"),
        ("http://a:８０/", "port is not a plain number"),
        ("http://a:22/", "port 22 belongs to another protocol"),
        ("http://a:6379/", "port 6379 belongs to another protocol"),
        ("http://127.1/", "odd spelling"),
        ("http://2130706433/", "odd spelling"),
        ("http://0x7f.0.0.1/", "odd spelling"),
        ("http://0x7f000001/", "odd spelling"),
        ("http://0177.0.0.1/", "odd spelling"),
        ("http://017700000001/", "odd spelling"),
        ("http://1.2.3.4.5/", "odd spelling"),
        ("http://256.1.1.1/", "odd spelling"),
        ("http://foo.1/", "odd spelling"),
        ("http://１２７.０.０.１/", "IDNA 2008"),
        ("http://①②⑦.⓪.⓪.①/", "IDNA 2008"),
        ("http://exa\u00admple.com/", "at character"),
        ("http://☃.example/", "IDNA 2008"),
        ("http://xn--a/", "IDNA 2008"),
        ("http://a。b/", "IDNA 2008"),
        ("http://example.com/" + "a" * 2048, "longer than 2048"),
    ],
)
def test_check_url_refuses(text, reason):
    with pytest.raises(ForbiddenUrl, match=reason) as caught:
        check_url(text)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b", "https://example.com/b"),
        ("b?c", "https://example.com/a/b?c"),
        ("//other.example/b", "https://other.example/b"),
        ("https://other.example", "https://other.example/"),
        ("?q", "https://example.com/a/x?q"),
    ],
)
def test_check_redirect_joins(location, url):
    assert check_redirect(check_url("https://example.com/a/x"), location).url == url


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("http://example.com/", ForbiddenRedirect),
        ("ftp://example.com/", ForbiddenUrl),
        ("/\\evil.example", ForbiddenUrl),
        ("https:evil.example/", ForbiddenUrl),
        ("https:///evil.example/", ForbiddenUrl),
        ("ht\ttps://evil.example", ForbiddenUrl),
        ("//user@evil.example/", ForbiddenUrl),
        ("https://[::1", ForbiddenUrl),
        ("//[::1", ForbiddenUrl),
        ("/" + "a" * 3000, ForbiddenUrl),
        ("\udcff", ForbiddenUrl),
    ],
)
def test_check_redirect_refuses(location, error):
    with pytest.raises(error):
        check_redirect(check_url("https://example.com/a/x"), location)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://a/x", "http://a/y", True),
        ("http://a/", "https://a/", True),
        ("https://a/", "http://a/", False),
        ("http://a:8080/", "https://a/", False),
        ("http://a/", "http://a:8080/", False),
        ("https://a/", "https://b.a/", False),
    ],
)
def test_same_recipient(one, other, same):
    assert same_recipient(check_url(one), check_url(other)) is same


@given(st.text(max_size=80) | st.text("htp:/@[].0123456789axf%\\?#", max_size=30).map("http://".__add__))
def test_a_url_is_refused_or_has_one_spelling(text):
    try:
        target = check_url(text)
    except ForbiddenUrl:
        return

    assert check_url(target.url) == target
    assert target.url.isascii()
    assert target.url.isprintable()
    assert " " not in target.url
