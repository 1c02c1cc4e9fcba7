using Brokkr.Core.Events;
using static Brokkr.Core.Tests.Events.EventTexts;

namespace Brokkr.Core.Tests.Events;

/// <summary>CEC-12, CEJ-08.</summary>
public sealed class MediaTypeTests
{
    [Theory]
    [InlineData("application/json")]
    [InlineData("text/plain;")]
    [InlineData("text/plain; charset=utf-8")]
    [InlineData("Text/PLAIN ; Charset=\"UTF-8\" ; x=y")]
    [InlineData("multipart/form-data; boundary=\"a;\\\"b\"")]
    [InlineData("application/vnd.a.b+json")]
    public void Is_valid(string text) => Assert.True(MediaType.IsValid(Utf8(text)));

    [Theory]
    [InlineData("")]
    [InlineData("xyz")]
    [InlineData("/json")]
    [InlineData("application/")]
    [InlineData("a/b/c")]
    [InlineData("a b/c")]
    [InlineData("text/plain; charset")]
    [InlineData("text/plain; =x")]
    [InlineData("text/plain; a=")]
    [InlineData("text/plain; a=\"x")]
    [InlineData("text/plain; a=\"x\"y")]
    [InlineData("text/plain; a=b c")]
    [InlineData("text/\u00fc")]
    public void Is_invalid(string text) => Assert.False(MediaType.IsValid(Utf8(text)));

    [Theory]
    [InlineData("application/json", true)]
    [InlineData("text/json", true)]
    [InlineData("Application/JSON ; charset=utf-8", true)]
    [InlineData("application/vnd.api+json", true)]
    [InlineData("application/vnd+JSON;x=y", true)]
    [InlineData("application/+json", false)]
    [InlineData("application/jsonx", false)]
    [InlineData("text/plain; x=application/json", false)]
    [InlineData("json", false)]
    [InlineData("", false)]
    public void Tells_JSON(string text, bool isJson) => Assert.Equal(isJson, MediaType.IsJson(Utf8(text)));

    [Theory]
    [InlineData("text/plain", true)]
    [InlineData("TEXT/css; charset=\"UTF-8\"", true)]
    [InlineData("application/xml", true)]
    [InlineData("image/svg+xml", true)]
    [InlineData("text/plain; charset=us-ascii; x=y", true)]
    [InlineData("text/plain; charset=ISO-8859-1", false)]
    [InlineData("application/octet-stream", false)]
    [InlineData("", false)]
    public void Tells_text_in_UTF8(string text, bool isText) => Assert.Equal(isText, MediaType.IsUtf8Text(Utf8(text)));
}
