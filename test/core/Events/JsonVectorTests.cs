using System.Text.Json;
using Brokkr.Core.Events;
using static Brokkr.Core.Tests.Events.EventTexts;

namespace Brokkr.Core.Tests.Events;

/// <summary>The CloudEvents project's own vectors of the JSON format: CEJ-17, CEJ-18, CEJ-19, DAT-03. The data's README says where they are from.</summary>
public sealed class JsonVectorTests
{
    private const string Minimal = "specversion=1.0\nid=minimal\nsource=https://cloudevents.io\ntype=io.cloudevents.test";

    /// <summary>The golden events of the data's README. Times are compared as instants, so they stand here in UTC.</summary>
    private static readonly Dictionary<string, string> Golden = new()
    {
        ["minimal"] = $"{Minimal}\nno data",
        ["minimalWithTime"] = $"{Minimal.Replace("=minimal", "=minimalWithTime")}\ntime=2018-04-05T17:31:00Z\nno data",
        ["minimalWithRelativeSource"] =
            $"{Minimal.Replace("=minimal", "=minimalWithRelativeSource").Replace("https://cloudevents.io", "#fragment")}\nno data",
        ["allCore"] =
            $"{Minimal.Replace("=minimal", "=allCore")}\ndatacontenttype=text/plain\ndataschema=https://cloudevents.io/dataschema\nsubject=tests\ntime=2018-04-05T17:31:00Z\nno data",
        ["simpleTextData"] = $"{Minimal.Replace("=minimal", "=simpleTextData")}\ndatacontenttype=text/plain\nBytes: Simple text",
        ["allExtensionTypes"] =
            $"{Minimal.Replace("=minimal", "=allExtensionTypes")}\nextinteger=10 (Integer)\nextboolean=true (Boolean)\nextstring=text\nexturi=https://cloudevents.io\nexturiref=//authority/path\nexttimestamp=2023-03-31T15:12:00Z\nextbinary=TWE=\nno data",
    };

    private static readonly Dictionary<string, string[]> GoldenBatches = new()
    {
        ["empty"] = [],
        ["minimal"] = ["minimal"],
        ["minimal2"] = ["minimal", "minimal"],
        ["minimalAndAllCore"] = ["minimal", "allCore"],
        ["minimalAndAllExtensionTypes"] = ["minimal", "allExtensionTypes"],
    };

    public static TheoryData<string> IdsOf(string file)
    {
        var ids = new TheoryData<string>();
        foreach (var id in Load(file).Keys)
        {
            ids.Add(id);
        }

        return ids;
    }

    [Fact]
    public void All_vectors_are_there()
    {
        Assert.Equal(
            (10, 25, 5, 3),
            (Load("valid-events").Count, Load("invalid-events").Count, Load("valid-batches").Count, Load("invalid-batches").Count)
        );
    }

    [Theory]
    [MemberData(nameof(IdsOf), "valid-events")]
    public void CEJ_17_a_valid_event_is_read(string id)
    {
        var test = Load("valid-events")[id];
        var error = ReadJson(test.GetProperty("event").GetRawText(), out var e);
        Assert.False(error.IsError, error.Message);
        Assert.Equal(Golden[test.GetProperty("sampleId").GetString()!], InUtc(e!));
        Assert.False(ReadJson(Written(e!), out var again).IsError);
        Assert.Equal(Show(e!), Show(again!));
    }

    [Theory]
    [MemberData(nameof(IdsOf), "invalid-events")]
    public void CEJ_18_an_invalid_event_is_refused(string id)
    {
        var error = ReadJson(Load("invalid-events")[id].GetProperty("event").GetRawText(), out _);
        Assert.Equal(EventErrorKind.Invalid, error.Kind);
    }

    [Theory]
    [MemberData(nameof(IdsOf), "valid-batches")]
    public void CEJ_19_a_valid_batch_is_read(string id)
    {
        var test = Load("valid-batches")[id];
        var events = new List<EventBuffer>();
        var error = JsonEventFormat.ReadBatch(Utf8(test.GetProperty("batch").GetRawText()), events);
        Assert.False(error.IsError, error.Message);
        Assert.Equal(
            GoldenBatches[test.GetProperty("sampleId").GetString()!].Select(g => Golden[g]),
            events.Select(e => InUtc(e.ToCloudEvent()))
        );
        events.ForEach(e => e.Dispose());
    }

    [Theory]
    [MemberData(nameof(IdsOf), "invalid-batches")]
    public void CEJ_19_an_invalid_batch_is_refused(string id)
    {
        var events = new List<EventBuffer>();
        var error = JsonEventFormat.ReadBatch(Utf8(Load("invalid-batches")[id].GetProperty("batch").GetRawText()), events);
        Assert.Equal(EventErrorKind.Invalid, error.Kind);
        Assert.Empty(events);
    }

    private static string InUtc(CloudEvent e)
    {
        if (!Timestamp.TryParse(e.Get(CoreAttribute.Time), lenient: false, out var time))
        {
            return Show(e);
        }

        Span<byte> utc = stackalloc byte[time.MaxLength];
        return Show(e).Replace(Text(e.Get(CoreAttribute.Time)), Text(utc[..time.WriteUtc(utc)]));
    }

    private static Dictionary<string, JsonElement> Load(string file)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "data", "ce-conformance", "json-format", file + ".json");
        using var document = JsonDocument.Parse(File.ReadAllText(path));
        return document
            .RootElement.GetProperty("tests")
            .EnumerateArray()
            .ToDictionary(t => t.GetProperty("id").GetString()!, t => t.Clone());
    }
}
