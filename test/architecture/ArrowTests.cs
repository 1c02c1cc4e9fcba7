using System.Reflection;
using System.Xml.Linq;
using Brokkr.Testing;

namespace Brokkr.Architecture.Tests;

/// <summary>The arrows between the product's projects point one way (docs/architecture.md). A new reference that is not listed here fails.</summary>
public sealed class ArrowTests
{
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Brokkr.Core"] = [],
        ["Brokkr.Kafka"] = ["Brokkr.Core"],
        ["Brokkr.Kubernetes"] = ["Brokkr.Core"],
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
            "Brokkr.Kubernetes",
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
            .Where(name => !name.EndsWith(".Tests", StringComparison.Ordinal) && name != "Brokkr.Testing");
        Assert.Empty(beside.Except(Allowed.Keys, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("Brokkr.Core", "librdkafka")]
    [InlineData("Brokkr.Core", "Microsoft.AspNetCore")]
    [InlineData("Brokkr.Core", "Microsoft.Data.Sqlite")]
    [InlineData("Brokkr.Kafka", "Microsoft.AspNetCore")]
    [InlineData("Brokkr.Embedded", "Microsoft.AspNetCore")]
    [InlineData("Brokkr.Kubernetes", "KubernetesClient")]
    [InlineData("Brokkr.Kubernetes", "Microsoft.AspNetCore")]
    public void Rooms_know_only_what_they_are_about(string assembly, string forbidden)
    {
        var references = Assembly.Load(assembly).GetReferencedAssemblies().Select(reference => reference.Name!);
        Assert.DoesNotContain(references, name => name.StartsWith(forbidden, StringComparison.Ordinal));
    }

    /// <summary>The compiler leaves a reference out of the assembly while nothing uses it: the project files must be clean as well.</summary>
    [Theory]
    [MemberData(nameof(Assemblies))]
    public void Project_files_declare_only_the_arrows(string assembly)
    {
        var project = ProjectOf(assembly);
        var declared = project.Descendants("ProjectReference").Select(reference => NameOf(reference.Attribute("Include")!.Value));
        Assert.Empty(declared.Except(Allowed[assembly], StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void Only_tests_and_benchmarks_see_internals(string assembly)
    {
        var friends = ProjectOf(assembly).Descendants("InternalsVisibleTo").Select(friend => friend.Attribute("Include")!.Value);
        Assert.All(friends, name => Assert.True(name == "Brokkr.Benchmarks" || name.EndsWith(".Tests", StringComparison.Ordinal), name));
    }

    private static XDocument ProjectOf(string assembly) => XDocument.Load(Projects.Single(path => NameOf(path) == assembly));

    /// <summary>Name of the assembly that a project file makes.</summary>
    private static string NameOf(string projectFile) =>
        Path.GetFileNameWithoutExtension(projectFile) is var name && name == "Brokkr.Cli" ? "brokkr" : name;

    private static string[] Projects { get; } =
    [
        .. ((string[])["cli", "control-plane", "data-plane"]).SelectMany(folder =>
            Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.csproj", SearchOption.AllDirectories)
        ),
    ];
}
