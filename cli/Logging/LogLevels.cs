using System.Diagnostics.CodeAnalysis;
using System.Xml;
using Microsoft.Extensions.Logging;

namespace Brokkr.Cli.Logging;

/// <summary>
/// From which level on which logger speaks, as the ConfigMap <c>kafka-config-logging</c> says (receiver-and-core §14.4). Of its logback XML the levels of
/// <c>root</c> and <c>logger</c> are honoured; the original's logger names mean our parts: <c>dev.knative.eventing.kafka.broker.receiver</c> is <c>Brokkr.Receiver</c>.
/// </summary>
/// <param name="Root">Level of what no rule names.</param>
/// <param name="Rules">Levels by prefix of the logger's name.</param>
internal sealed record LogLevels(LogLevel Root, IReadOnlyDictionary<string, LogLevel> Rules)
{
    private const string OriginalPrefix = "dev.knative.eventing.kafka.broker";

    /// <summary>INFO for all, and the web server only where something is wrong.</summary>
    public static LogLevels Default { get; } =
        new(LogLevel.Information, new Dictionary<string, LogLevel>(StringComparer.OrdinalIgnoreCase));

    /// <summary>
    /// Reads logback XML. Called for a file that exists only: a process without one does not load the XML library.
    /// </summary>
    /// <param name="xml">The text.</param>
    /// <param name="levels">The levels.</param>
    /// <param name="problem">Why it is no XML.</param>
    /// <returns>Whether there are levels.</returns>
    public static bool TryRead(byte[] xml, [NotNullWhen(true)] out LogLevels? levels, [NotNullWhen(false)] out string? problem)
    {
        try
        {
            using var stream = new MemoryStream(xml, writable: false);
            levels = Read(stream);
            problem = null;
            return true;
        }
        catch (XmlException e)
        {
            levels = null;
            problem = e.Message;
            return false;
        }
    }

    /// <summary>Reads logback XML.</summary>
    /// <exception cref="XmlException">It is no XML.</exception>
    public static LogLevels Read(Stream xml)
    {
        var root = LogLevel.Information;
        var rules = new Dictionary<string, LogLevel>(StringComparer.OrdinalIgnoreCase);
        using var reader = XmlReader.Create(xml, new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore, XmlResolver = null });
        while (reader.Read())
        {
            if (reader.NodeType != XmlNodeType.Element || Level(reader.GetAttribute("level")) is not { } level)
            {
                continue;
            }

            switch (reader.Name)
            {
                case "root":
                    root = level;
                    break;
                case "logger" when reader.GetAttribute("name") is { Length: > 0 } name:
                    rules[OurName(name)] = level;
                    break;
            }
        }

        return new LogLevels(root, rules);
    }

    /// <summary>The same as rules of the logging library.</summary>
    public LoggerFilterOptions ToFilter()
    {
        var filter = new LoggerFilterOptions { MinLevel = Root };
        if (!Rules.ContainsKey("Microsoft"))
        {
            // The web server's chatter about every connection is nobody's business at INFO.
            filter.Rules.Add(new LoggerFilterRule(null, "Microsoft", Root > LogLevel.Warning ? Root : LogLevel.Warning, null));
        }

        foreach (var (name, level) in Rules)
        {
            filter.Rules.Add(new LoggerFilterRule(null, name, level, null));
        }

        return filter;
    }

    private static LogLevel? Level(string? text) =>
        text?.ToUpperInvariant() switch
        {
            "TRACE" or "ALL" => LogLevel.Trace,
            "DEBUG" => LogLevel.Debug,
            "INFO" => LogLevel.Information,
            "WARN" => LogLevel.Warning,
            "ERROR" => LogLevel.Error,
            "OFF" => LogLevel.None,
            _ => null,
        };

    private static string OurName(string name)
    {
        if (!name.StartsWith(OriginalPrefix, StringComparison.OrdinalIgnoreCase))
        {
            return name;
        }

        var part = name[OriginalPrefix.Length..].Trim('.').Split('.')[0];
        return part.Length == 0 ? "Brokkr" : "Brokkr." + part;
    }
}
