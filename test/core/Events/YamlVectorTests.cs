using Brokkr.Core.Events;
using Brokkr.Core.Log;
using YamlDotNet.RepresentationModel;
using static Brokkr.Core.Tests.Events.EventTexts;

namespace Brokkr.Core.Tests.Events;

/// <summary>The sample events of the CloudEvents conformance tool (DAT-04), through every way an event can take.</summary>
public sealed class YamlVectorTests
{
    public static TheoryData<string, int> Samples()
    {
        var data = new TheoryData<string, int>();
        foreach (var (file, count) in new[] { ("v1.yaml", 2), ("v1.0/v1_minimum.yaml", 6), ("v03.yaml", 1), ("v0.3/v03_minimum.yaml", 6) })
        {
            for (var i = 0; i < count; i++)
            {
                data.Add(file, i);
            }
        }

        return data;
    }

    [Fact]
    public void All_samples_are_there() =>
        Assert.Equal(15, Samples().Select(s => s.Data.Item1).Distinct().Sum(file => Load(file).Documents.Count));

    [Theory]
    [MemberData(nameof(Samples))]
    public void A_sample_is_the_same_event_on_every_way(string file, int number)
    {
        var sample = (YamlMappingNode)Load(file).Documents[number].RootNode;
        var attributes = new List<(string Name, string Value)>();
        foreach (var (key, value) in (YamlMappingNode)sample["ContextAttributes"])
        {
            if (value is YamlMappingNode extensions)
            {
                // A block of YAML ends in a line break, which no attribute may hold (CEC-07).
                attributes.AddRange(extensions.Select(x => (x.Key.ToString(), x.Value.ToString().TrimEnd('\n'))));
            }
            else
            {
                attributes.Add((key.ToString(), value.ToString()));
            }
        }

        var data = Utf8(sample["Data"].ToString());
        var headers = attributes.Select(a =>
            a.Name == "datacontenttype" ? ("Content-Type", a.Value) : ("ce-" + a.Name, HttpBinding.EncodeValue(Utf8(a.Value)))
        );
        using var buffer = EventBuffer.Rent();
        var error = Accept(buffer, headers, data);
        Assert.False(error.IsError, error.Message);
        var binary = buffer.ToCloudEvent();
        Assert.Equal(data, binary.Data.ToArray());
        Assert.All(attributes, a => Assert.Contains($"\n{a.Name}={a.Value}\n", "\n" + Show(binary)));

        using var record = RecordBuffer.Rent();
        buffer.WriteBinary(record);
        Assert.Equal(Show(binary), Show(Decoded(StoredRecord.From(record, 0, 0))));

        record.Clear();
        Assert.False(buffer.WriteStructured(record).IsError);
        var structured = Decoded(StoredRecord.From(record, 0, 0));
        Assert.Equal(data.AsSpan().Trim("\n"u8).ToArray(), structured.Data.Span.Trim("\n"u8).ToArray());

        if (binary.Has(CoreAttribute.DataContentType))
        {
            Assert.False(ReadJson(Written(binary), out var delivered).IsError);
            Assert.Equal(Show(binary).Replace("Bytes:", "Json:").TrimEnd(), Show(delivered!).Replace("Bytes:", "Json:").TrimEnd());
        }
    }

    private static YamlStream Load(string file)
    {
        var stream = new YamlStream();
        using var text = File.OpenText(Path.Combine(AppContext.BaseDirectory, "data", "ce-conformance", "yaml", file));
        stream.Load(text);
        return stream;
    }
}
