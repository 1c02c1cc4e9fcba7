using System.Reflection;

namespace Brokkr.Architecture.Tests;

/// <summary>The arrows between the product's projects point one way (docs/architecture.md). A new reference that is not listed here fails.</summary>
public sealed class ArrowTests
{
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Brokkr.Core"] = [],
        ["Brokkr.Kafka"] = ["Brokkr.Core"],
        ["Brokkr.Embedded"] = ["Brokkr.Core"],
        ["Brokkr.Receiver"] = ["Brokkr.Core"],
        ["Brokkr.Dispatcher"] = ["Brokkr.Core"],
        ["Brokkr.Apis"] = ["Brokkr.Core"],
        ["Brokkr.Controller"] = ["Brokkr.Apis", "Brokkr.Core"],
        ["brokkr"] =
        [
            "Brokkr.Apis",
            "Brokkr.Controller",
            "Brokkr.Core",
            "Brokkr.Dispatcher",
            "Brokkr.Embedded",
            "Brokkr.Kafka",
            "Brokkr.Receiver",
        ],
    };

    public static TheoryData<string> Assemblies => [.. Allowed.Keys];

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void References_follow_the_arrows(string assembly)
    {
        var ours = Assembly
            .Load(assembly)
            .GetReferencedAssemblies()
            .Select(reference => reference.Name!)
            .Where(name => Allowed.ContainsKey(name) || name.StartsWith("Brokkr.", StringComparison.Ordinal));
        Assert.Empty(ours.Except(Allowed[assembly], StringComparer.Ordinal));
    }

    [Fact]
    public void Every_product_assembly_is_listed()
    {
        var beside = Directory
            .EnumerateFiles(AppContext.BaseDirectory, "Brokkr.*.dll")
            .Select(path => Path.GetFileNameWithoutExtension(path))
            .Where(name => !name.EndsWith(".Tests", StringComparison.Ordinal));
        Assert.Empty(beside.Except(Allowed.Keys, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("Brokkr.Core", "librdkafka")]
    [InlineData("Brokkr.Core", "Microsoft.AspNetCore")]
    [InlineData("Brokkr.Core", "Microsoft.Data.Sqlite")]
    [InlineData("Brokkr.Kafka", "Microsoft.AspNetCore")]
    [InlineData("Brokkr.Embedded", "Microsoft.AspNetCore")]
    public void Rooms_know_only_what_they_are_about(string assembly, string forbidden)
    {
        var references = Assembly.Load(assembly).GetReferencedAssemblies().Select(reference => reference.Name!);
        Assert.DoesNotContain(references, name => name.StartsWith(forbidden, StringComparison.Ordinal));
    }
}
