using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Brokkr.Core.Configuration;
using Brokkr.Core.Events;

namespace Brokkr.Cli.Send;

/// <summary>The event that <c>brokkr send</c> sends, again and again with another id. Sent in binary mode of the HTTP binding.</summary>
internal sealed class EventTemplate
{
    private readonly List<KeyValuePair<string, string>> _headers = [];
    private readonly byte[] _data;
    private readonly string? _contentType;
    private readonly string _id;
    private readonly bool _numbered;

    /// <summary>Gives each event the time it is sent at; null if all have the one that was given.</summary>
    private readonly TimeProvider? _time;

    private EventTemplate(string id, bool numbered, byte[] data, string? contentType, TimeProvider? time)
    {
        _time = time;
        _id = id;
        _numbered = numbered;
        _data = data;
        _contentType = contentType;
    }

    /// <summary>Makes the event from what was given on the command line.</summary>
    /// <exception cref="ConfigurationException">The event would not be valid; the message says which attribute and why.</exception>
    public static EventTemplate Create(SendOptions options, byte[] data, TimeProvider time)
    {
        var contentType = options.DataContentType ?? (data.Length == 0 ? null : GuessType(data));
        var id = options.Id ?? Guid.NewGuid().ToString();
        var template = new EventTemplate(id, options.Count > 1, data, contentType, options.Time is null ? time : null);
        var attributes = new List<KeyValuePair<string, string>>
        {
            new("specversion", "1.0"),
            new("source", options.Source),
            new("type", options.Type),
        };
        if (options.Time is not null)
        {
            attributes.Add(new("time", options.Time));
        }

        if (options.Subject is not null)
        {
            attributes.Add(new("subject", options.Subject));
        }

        foreach (var extension in options.Extensions)
        {
            var separator = extension.IndexOf('=', StringComparison.Ordinal);
            if (separator <= 0)
            {
                throw new ConfigurationException($"--extension is \"{extension}\": give it as name=value.");
            }

            attributes.Add(new(extension[..separator], extension[(separator + 1)..]));
        }

        Check(attributes, id, contentType);
        foreach (var (name, value) in attributes)
        {
            template._headers.Add(new("ce-" + name, HttpBinding.EncodeValue(Encoding.UTF8.GetBytes(value))));
        }

        return template;
    }

    /// <summary>The request for one event.</summary>
    /// <param name="url">Where it goes.</param>
    /// <param name="number">Its number, from 1.</param>
    public HttpRequestMessage Request(Uri url, long number)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(_data) };
        request.Headers.TryAddWithoutValidation("ce-id", HttpBinding.EncodeValue(Encoding.UTF8.GetBytes(Id(number))));
        foreach (var (name, value) in _headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        if (_time is not null)
        {
            request.Headers.TryAddWithoutValidation(
                "ce-time",
                _time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture)
            );
        }

        if (_contentType is not null)
        {
            request.Content.Headers.TryAddWithoutValidation("content-type", _contentType);
        }

        return request;
    }

    /// <summary>The id of an event; numbered if there are several.</summary>
    public string Id(long number) => _numbered ? string.Create(CultureInfo.InvariantCulture, $"{_id}-{number}") : _id;

    /// <summary>The receiver would refuse it as well, but here the sender need not read a log to learn why.</summary>
    private static void Check(List<KeyValuePair<string, string>> attributes, string id, string? contentType)
    {
        using var probe = EventBuffer.Rent();
        foreach (var (name, value) in attributes.Append(new("id", id)))
        {
            Throw(probe.SetAttribute(Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(value)));
        }

        if (contentType is not null)
        {
            if (!MediaTypeHeaderValue.TryParse(contentType, out _))
            {
                throw new ConfigurationException($"--datacontenttype is \"{contentType}\", which is no media type.");
            }

            Throw(HttpBinding.SetContentType(probe, Encoding.UTF8.GetBytes(contentType)));
        }

        Throw(probe.Validate());

        static void Throw(EventError error)
        {
            if (error.IsError)
            {
                throw new ConfigurationException(error.Message!);
            }
        }
    }

    private static string GuessType(byte[] data)
    {
        try
        {
            var reader = new Utf8JsonReader(data);
            reader.Read();
            reader.Skip();
            return reader.Read() ? "text/plain" : "application/json";
        }
        catch (JsonException)
        {
            return System.Text.Unicode.Utf8.IsValid(data) ? "text/plain; charset=utf-8" : "application/octet-stream";
        }
    }
}
