using System.CommandLine;
using System.Text;
using System.Text.Json;
using Brokkr.Controller;
using Brokkr.Controller.Folders;

namespace Brokkr.Cli.Validate;

/// <summary><c>brokkr validate</c>: holds manifests against the rules of the admission webhook.</summary>
internal static class ValidateCommand
{
    private const string StandardInput = "-";

    public static Command Create()
    {
        var files = new Argument<string[]>("FILE")
        {
            Description = "Files with manifests, folders (every *.yaml and *.yml in them and below), or - for standard input",
            Arity = ArgumentArity.OneOrMore,
        };
        var ns = new Option<string>("--namespace", "-n")
        {
            Description = "Namespace of objects that name none",
            DefaultValueFactory = _ => "default",
        };
        var output = new Option<string>("--output", "-o")
        {
            Description = "How to print problems; json is one object per line",
            DefaultValueFactory = _ => "text",
        };
        output.AcceptOnlyFromAmong("text", "json");
        var command = new Command(
            "validate",
            "Check manifests by the rules of the admission webhook, without a cluster; the exit code is 1 when one is wrong"
        )
        {
            files,
            ns,
            output,
        };
        command.SetAction(
            (parsed, cancellation) =>
                RunAsync(
                    parsed.GetRequiredValue(files),
                    parsed.GetRequiredValue(ns),
                    string.Equals(parsed.GetValue(output), "json", StringComparison.Ordinal),
                    Console.In,
                    Console.Out,
                    Console.Error,
                    cancellation
                )
        );
        return command;
    }

    /// <returns>The exit code.</returns>
    internal static async Task<int> RunAsync(
        IReadOnlyList<string> files,
        string ns,
        bool json,
        TextReader input,
        TextWriter output,
        TextWriter summary,
        CancellationToken cancellation
    )
    {
        var check = new ManifestCheck(ns);
        foreach (var file in files.Distinct(StringComparer.Ordinal))
        {
            if (file is StandardInput)
            {
                check.AddText("<stdin>", await input.ReadToEndAsync(cancellation));
            }
            else
            {
                check.AddPath(file);
            }
        }

        var report = check.Run();
        foreach (var problem in report.Problems)
        {
            await output.WriteLineAsync(json ? Json(problem) : Text(problem));
        }

        var errors = report.Problems.Count(problem => problem.IsError);
        await summary.WriteLineAsync(
            $"{Count(report.Files, "file")}, {Count(report.Objects, "object")}: {Count(errors, "error")}, {Count(report.Problems.Count - errors, "warning")}"
        );
        return errors > 0 ? 1 : 0;
    }

    private static string Text(FileProblem problem)
    {
        if (problem.IsError)
        {
            return problem.ToString();
        }

        var field = problem.Field.Length == 0 ? "warning" : $"warning: {problem.Field}";
        return (problem with { Field = field }).ToString();
    }

    private static string Json(FileProblem problem)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("severity", problem.IsError ? "error" : "warning");
            json.WriteString("file", problem.File);
            json.WriteNumber("line", problem.Line);
            json.WriteString("field", problem.Field);
            json.WriteString("message", problem.Message);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static string Count(int number, string what) => number == 1 ? $"1 {what}" : $"{number} {what}s";
}
