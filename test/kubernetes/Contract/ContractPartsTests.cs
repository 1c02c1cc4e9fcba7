using System.Text;
using Brokkr.Core.Contract.Wire;
using Brokkr.Kubernetes.Api;
using Brokkr.Kubernetes.Contract;
using Google.Protobuf;
using Wire = Brokkr.Core.Contract.Wire;

namespace Brokkr.Kubernetes.Tests.Contract;

/// <summary>One contract of many ConfigMaps.</summary>
public sealed class ContractPartsTests
{
    private readonly LogLines _log = new();
    private readonly ContractParts _parts;
    private int _version;

    public ContractPartsTests() => _parts = new ContractParts("ns", _log);

    [Fact]
    public void Both_forms_and_both_places_of_the_content_are_read()
    {
        var binary = new Wire.Contract { Resources = { new Resource { Uid = "b" } } }.ToByteArray();
        Assert.True(_parts.Put(Map("one", Json("a"))));
        Assert.True(_parts.Put(Map("two", binary)));
        Assert.True(
            _parts.Put(Map("three", null) with { Data = new(StringComparer.Ordinal) { ["data"] = Encoding.UTF8.GetString(Json("c")) } })
        );
        Assert.Equal(["a", "b", "c"], Merged().Resources.Select(static resource => resource.Uid).Order(StringComparer.Ordinal));
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public void Only_what_has_changed_is_decoded()
    {
        var all = Enumerable.Range(0, 1000).Select(i => Map($"broker-{i}", Json($"uid-{i}"))).ToList();
        Assert.True(_parts.Replace(all));
        Assert.Equal(1000, _parts.Decoded);
        Assert.False(_parts.Replace(all));
        all[7] = Map("broker-7", Json("other"));
        Assert.True(_parts.Replace(all));
        Assert.Equal(1001, _parts.Decoded);
        Assert.Equal(1000, Merged().Resources.Count);
    }

    [Fact]
    public void What_says_the_same_is_no_change()
    {
        Assert.True(_parts.Put(Map("one", Json("a"))));
        Assert.False(_parts.Put(Map("one", Json("a"))));
    }

    [Fact]
    public void Content_that_cannot_be_used_keeps_the_last_good_one_of_its_ConfigMap_and_is_told_once()
    {
        Assert.True(_parts.Put(Map("one", Json("a"))));
        Assert.True(_parts.Put(Map("two", Json("b"))));
        var broken = Map("one", "{\"resources\":"u8.ToArray());
        Assert.False(_parts.Put(broken));
        Assert.False(_parts.Put(broken));
        Assert.False(_parts.Put(Map("three", null)));
        Assert.Equal(["a", "b"], Merged().Resources.Select(static resource => resource.Uid));
        Assert.Equal(["one", "three"], _parts.Broken);
        Assert.Equal(2, _log.Lines.Count);
        Assert.StartsWith("The contract in ConfigMap ns/one cannot be used, its last one stays in force: ", _log.Lines[0]);
        Assert.Contains("it has no entry data", _log.Lines[1]);
        Assert.True(_parts.Put(Map("one", Json("c"))));
        Assert.False(_parts.Remove("three"));
        Assert.True(_parts.Remove("two"));
        Assert.Equal(["c"], Merged().Resources.Select(static resource => resource.Uid));
        Assert.Empty(_parts.Broken);
    }

    [Fact]
    public void Resources_of_the_same_uid_become_one_and_the_parts_stay_as_they_are()
    {
        var first = new Wire.Contract
        {
            TrustBundles = { "x" },
            Resources = { Resource("a", "/ns/a", "one"), Resource("b", "/ns/b", "two") },
        };
        var second = new Wire.Contract { TrustBundles = { "y", "x" }, Resources = { Resource("a", null, "three") } };
        var third = new Wire.Contract { Resources = { Resource("a", null, "four") } };
        foreach (
            var parts in (Wire.Contract[][])
                [
                    [first, second, third],
                    [second, third, first],
                ]
        )
        {
            var whole = ContractMerge.Of(7, parts);
            Assert.Equal(7ul, whole.Generation);
            Assert.Equal(["x", "y"], whole.TrustBundles.Order(StringComparer.Ordinal));
            var a = whole.Resources.Single(static resource => resource.Uid == "a");
            Assert.Equal("/ns/a", a.Ingress.Path);
            Assert.Equal(["four", "one", "three"], a.Egresses.Select(static egress => egress.Uid).Order(StringComparer.Ordinal));
            Assert.Same(first.Resources[1], whole.Resources.Single(static resource => resource.Uid == "b"));
        }

        Assert.Single(first.Resources[0].Egresses);
        Assert.Single(second.Resources[0].Egresses);
        Assert.Null(second.Resources[0].Ingress);
    }

    private static Resource Resource(string uid, string? path, string egress) =>
        new()
        {
            Uid = uid,
            Ingress = path is null ? null : new Ingress { Path = path },
            Egresses = { new Egress { Uid = egress } },
        };

    private static byte[] Json(string uid) =>
        Encoding.UTF8.GetBytes(
            $$"""
            {"generation":"1","resources":[{"uid":"{{uid}}"}]}
            """
        );

    private Wire.Contract Merged() => ContractMerge.Of(1, _parts.Contracts);

    private ConfigMapObject Map(string name, byte[]? content) =>
        new()
        {
            Metadata = new ApiMetadata
            {
                Name = name,
                Uid = name,
                ResourceVersion = (++_version).ToString(System.Globalization.CultureInfo.InvariantCulture),
            },
            BinaryData = content is null ? null : new(StringComparer.Ordinal) { ["data"] = content },
        };
}
