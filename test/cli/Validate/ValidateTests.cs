using System.Text.Json.Nodes;
using Brokkr.Testing;
using Brokkr.Testing.Processes;

namespace Brokkr.Cli.Tests.Validate;

/// <summary><c>brokkr validate</c>.</summary>
public sealed class ValidateTests : IDisposable
{
    private const string Broker = """
        apiVersion: eventing.knative.dev/v1
        kind: Broker
        metadata:
          name: b
          namespace: shop
        """;

    private const string BadTrigger = """
        apiVersion: eventing.knative.dev/v1
        kind: Trigger
        metadata:
          name: t
          annotations: {}
          anotations: {}
        spec:
          broker: b
          filtres: []
          subscriber:
            uri: http://s/
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Good_manifests_are_exit_code_0()
    {
        _folder.Write("broker.yaml", Broker);
        await using var child = BrokkrProcess.Start(["validate", _folder["broker.yaml"]]);
        Assert.Equal(0, await child.ExitAsync());
        Assert.Contains("1 file, 1 object: 0 errors, 0 warnings", child.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Problems_name_file_line_and_field()
    {
        var trigger = _folder.Write("deep/trigger.yaml", BadTrigger);
        _folder.Write("broker.yml", Broker);
        _folder.Write("broken.yaml", "a: [");
        _folder.Write("notes.txt", "no manifest");
        var (exit, output, summary) = await RunAsync([_folder.Path, _folder["absent.yaml"]]);
        Assert.Equal(1, exit);
        Assert.Contains($"{trigger}:9: spec.filtres: is not a field; did you mean \"filters\"?", output);
        Assert.Contains($"{trigger}:6: warning: metadata.anotations: is not a field; did you mean \"annotations\"?", output);
        Assert.Contains($"{_folder["absent.yaml"]}: does not exist", output);
        Assert.Contains(output, line => line.StartsWith($"{_folder["broken.yaml"]}:2: is no YAML: ", StringComparison.Ordinal));
        Assert.Equal("4 files, 2 objects: 3 errors, 1 warning", summary);
        Assert.Equal(4, output.Length);
    }

    [Fact]
    public async Task Standard_input_is_read_and_json_is_written()
    {
        var (exit, output, _) = await RunAsync(["-"], BadTrigger, json: true);
        Assert.Equal(1, exit);
        Assert.Equal(
            ["error <stdin>:9 spec.filtres", "warning <stdin>:6 metadata.anotations"],
            output
                .Select(line => JsonNode.Parse(line)!)
                .Select(problem => $"{problem["severity"]} {problem["file"]}:{problem["line"]} {problem["field"]}")
                .Order(StringComparer.Ordinal)
        );
    }

    /// <summary>ADM-24: what a cluster has to be asked for is off, unless the manifests say that it is on.</summary>
    [Fact]
    public async Task Manifests_that_are_checked_together_know_of_each_other()
    {
        var broker = Broker + "\nspec: {delivery: {retryAfterMax: PT1S}}";
        var (exit, output, _) = await RunAsync(["-"], broker);
        Assert.Equal(1, exit);
        Assert.Equal(["<stdin>:6: spec.delivery.retryAfterMax: is not allowed while the feature delivery-retryafter is off"], output);
        _folder.Write(
            "features.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config-features, namespace: knative-eventing}\ndata: {delivery-retryafter: enabled}"
        );
        (exit, output, _) = await RunAsync(["-", _folder["features.yaml"]], broker);
        Assert.Empty(output);
        Assert.Equal(0, exit);
    }

    [Fact]
    public async Task Same_object_twice_is_an_error_and_policies_are_checked()
    {
        const string Policy = """
            apiVersion: eventing.knative.dev/v1alpha1
            kind: EventPolicy
            metadata: {name: p}
            spec: {from: [{}]}
            """;
        var (_, output, _) = await RunAsync(["-"], $"{Broker}\n---\n{Broker}\n---\n{Policy}");
        Assert.Equal(
            ["<stdin>:7: Broker shop/b is already defined at <stdin>:1", "<stdin>:16: spec.from[0]: must have ref or sub"],
            output
        );
    }

    private static async Task<(int Exit, string[] Output, string Summary)> RunAsync(string[] files, string input = "", bool json = false)
    {
        using var reader = new StringReader(input);
        await using var output = new StringWriter();
        await using var summary = new StringWriter();
        var exit = await Cli.Validate.ValidateCommand.RunAsync(
            files,
            "default",
            json,
            reader,
            output,
            summary,
            TestContext.Current.CancellationToken
        );
        return (exit, output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries), summary.ToString().Trim());
    }
}
