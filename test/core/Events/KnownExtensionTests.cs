using Brokkr.Core.Events;
using static Brokkr.Core.Tests.Events.EventTexts;

namespace Brokkr.Core.Tests.Events;

/// <summary>Extensions that CloudEvents documents, and that mean nothing to a broker: they come out as they went in (conformance §11).</summary>
public sealed class KnownExtensionTests
{
    [Theory]
    [InlineData("expirytime", "1999-12-31T23:59:59Z")] // CEX-03: long gone, and kept
    [InlineData("sequence", "00000000000000000042")] // CEX-04: text, not a number
    [InlineData("sequence", "-1")]
    [InlineData("dataref", "https://store.test/claims?id=7#part")] // CEX-05
    [InlineData("tracestate", "a=b,c=d")] // CEX-02
    public void Its_text_is_the_same_after_every_way_through(string name, string text)
    {
        var stored = Stored(Headers(("ce-" + name, text)));
        Assert.EndsWith($"\nce_{name}={text}\nno value", stored);
        Assert.Equal(stored, StoredJson($$"""{"specversion":"1.0","id":"i-1","source":"/src","type":"t.x","{{name}}":"{{text}}"}"""));

        var delivered = Decoded(
            Record(null, ("ce_specversion", "1.0"), ("ce_id", "i-1"), ("ce_source", "/src"), ("ce_type", "t.x"), ("ce_" + name, text))
        );
        Assert.Equal(text, Text(delivered.ExtensionValue(0)));
        Assert.Equal(text, HttpBinding.EncodeValue(delivered.ExtensionValue(0)));
        Assert.Contains($"\"{name}\":\"{text}\"", Written(delivered));
    }

    [Fact]
    public void CEX_05_the_data_may_be_elsewhere_and_its_type_is_kept()
    {
        var stored = Stored(Headers(("ce-dataref", "/claims/7"), ("content-type", "image/png")));
        Assert.EndsWith("\ncontent-type=image/png\nce_dataref=/claims/7\nno value", stored);
    }
}
