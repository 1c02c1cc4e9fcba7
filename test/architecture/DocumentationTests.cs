using System.Text.RegularExpressions;
using Brokkr.Testing;

namespace Brokkr.Architecture.Tests;

/// <summary>What the documents say about the code, as far as a test can tell.</summary>
public sealed partial class DocumentationTests
{
    [Fact]
    public void Every_environment_variable_that_is_read_is_documented()
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "docs", "configuration.md"));
        var variables = Directory
            .EnumerateFiles(Path.Combine(Repository.Root, "cli"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(path => Variable().Matches(File.ReadAllText(path)))
            .Select(match => match.Groups["name"].Value)
            .ToHashSet(StringComparer.Ordinal);
        Assert.Contains("DATA_PLANE_CONFIG_FILE_PATH", variables);
        Assert.DoesNotContain(variables, name => !text.Contains($"`{name}`", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_series_of_our_own_is_documented()
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "docs", "metrics.md"));
        var names = Directory
            .EnumerateFiles(Path.Combine(Repository.Root, "data-plane"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(path => Instrument().Matches(File.ReadAllText(path)))
            .Select(match => match.Groups["name"].Value.Replace('.', '_'))
            .ToHashSet(StringComparer.Ordinal);
        Assert.Contains("brokkr_dispatcher_lag", names);
        Assert.DoesNotContain(
            names,
            name => !text.Contains($"`{name}`", StringComparison.Ordinal) && !text.Contains($"`{name}_total`", StringComparison.Ordinal)
        );
    }

    public static TheoryData<string> Documents =>
        [
            "README.md",
            "CONTRIBUTING.md",
            "samples/quickstart/README.md",
            "third_party/README.md",
            .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md").Select(path => "docs/" + Path.GetFileName(path)),
        ];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Links_to_files_lead_somewhere(string document)
    {
        var path = Path.Combine(Repository.Root, document);
        var links = Link().Matches(File.ReadAllText(path)).Select(match => match.Groups["target"].Value);
        var broken = links.Where(link =>
            !link.Contains("://", StringComparison.Ordinal)
            && link[0] != '#'
            && !Path.Exists(Path.Combine(Path.GetDirectoryName(path)!, link.Split('#')[0]))
        );
        Assert.Empty(broken);
    }

    /// <summary>A name in capitals as the first argument of a call on an EnvironmentReader, or of one that passes it on.</summary>
    [GeneratedRegex("[eE]nvironment(?:\\.\\w+\\(|, )\\s*\"(?<name>[A-Z][A-Z0-9_]+)\"", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Variable();

    /// <summary>The name of an instrument.</summary>
    [GeneratedRegex("\"(?<name>(brokkr\\.(dispatcher|receiver|kafka)|kafka)\\.[a-z_.]+)\"", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Instrument();

    [GeneratedRegex("""\]\((?<target>[^)\s]+)\)""", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Link();
}
