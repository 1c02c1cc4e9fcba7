using Brokkr.Core.Contract.Wire;

namespace Brokkr.Cli.Dev;

/// <summary>Chooses an event to try a folder with: one that somebody wants, so that the first event that a person sends is delivered.</summary>
internal static class ExampleEvent
{
    private const string AnyType = "com.example.hello";

    /// <summary>A type that a Trigger of the resource at an address asks for by name; any type where none does.</summary>
    /// <param name="contract">What is served.</param>
    /// <param name="path">Path of the Broker or KafkaSink.</param>
    public static string TypeFor(Contract? contract, string path) =>
        contract
            ?.Resources.Where(resource => string.Equals(resource.Ingress?.Path, path, StringComparison.Ordinal))
            .SelectMany(resource => resource.Egresses)
            .Select(ExactType)
            .FirstOrDefault(type => type is { Length: > 0 })
        ?? AnyType;

    private static string? ExactType(Egress egress) =>
        egress
            .DialectedFilter.Select(filter => filter.Exact?.Attributes)
            .Append(egress.Filter?.Attributes)
            .Select(attributes => attributes is not null && attributes.TryGetValue("type", out var type) ? type : null)
            .FirstOrDefault(type => type is not null);
}
