--
-- PostgreSQL database dump
--

\restrict YoMU5rLn7dQ7Io8C8VehOcZzKsyxtI2J17pgRodEBIWzYCE94RSd9XRFqw2Njfx

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: audit_chain; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_chain (
    log_id text NOT NULL,
    sequence bigint NOT NULL,
    event_id text NOT NULL,
    hash text NOT NULL
);


--
-- Name: audit_head; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_head (
    log_id text NOT NULL,
    conversation_id text NOT NULL,
    sequence bigint NOT NULL,
    hash text NOT NULL,
    seen bigint DEFAULT 0 NOT NULL
);


--
-- Name: audit_log; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_log (
    event_id text NOT NULL,
    "time" bigint NOT NULL,
    conversation_id text NOT NULL,
    log_id text NOT NULL,
    sequence bigint NOT NULL,
    type text NOT NULL,
    user_id text,
    run_id text,
    data text NOT NULL
)
PARTITION BY RANGE ("time");


--
-- Name: audit_log_y2026m11; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_log_y2026m11 (
    event_id text NOT NULL,
    "time" bigint NOT NULL,
    conversation_id text NOT NULL,
    log_id text NOT NULL,
    sequence bigint NOT NULL,
    type text NOT NULL,
    user_id text,
    run_id text,
    data text NOT NULL
);


--
-- Name: audit_state; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_state (
    name text NOT NULL,
    value text NOT NULL
);


--
-- Name: chat_session; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.chat_session (
    conversation_id text NOT NULL,
    user_id text NOT NULL,
    log_id text NOT NULL,
    title text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted bigint NOT NULL,
    deleted_at bigint,
    deleted_log_id text
);


--
-- Name: dead_letter; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.dead_letter (
    origin text NOT NULL,
    at bigint NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    value text NOT NULL,
    reason text NOT NULL
);


--
-- Name: message; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.message (
    conversation_id text NOT NULL,
    message_id text NOT NULL,
    user_id text NOT NULL,
    "position" bigint NOT NULL,
    parent_id text,
    role text NOT NULL,
    text text NOT NULL,
    status text NOT NULL,
    model text,
    author text,
    created_at bigint NOT NULL,
    search tsvector
);


--
-- Name: migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.migrations (
    id integer NOT NULL,
    "timestamp" bigint NOT NULL,
    name character varying NOT NULL
);


--
-- Name: migrations_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.migrations_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: migrations_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.migrations_id_seq OWNED BY public.migrations.id;


--
-- Name: run; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.run (
    conversation_id text NOT NULL,
    run_id text NOT NULL,
    model text NOT NULL,
    started_at bigint NOT NULL,
    first_ms bigint,
    ended_at bigint,
    reason text,
    epoch bigint NOT NULL,
    input_tokens bigint,
    output_tokens bigint
);


--
-- Name: stream_chunk; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.stream_chunk (
    conversation_id text NOT NULL,
    run_id text NOT NULL,
    epoch bigint NOT NULL,
    batch bigint NOT NULL,
    started_at bigint NOT NULL,
    at bigint NOT NULL,
    chunks text NOT NULL
);


--
-- Name: audit_log_y2026m11; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_log ATTACH PARTITION public.audit_log_y2026m11 FOR VALUES FROM ('1793491200000') TO ('1796083200000');


--
-- Name: migrations id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.migrations ALTER COLUMN id SET DEFAULT nextval('public.migrations_id_seq'::regclass);


--
-- Data for Name: audit_chain; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit_chain VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 1, '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a1', '9f375797b37c434ebcbc723c14f952bdaf6990beda0892e6eb34b2b11e5e7618');
INSERT INTO public.audit_chain VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 2, '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a2', '359f52c82a841945049799955aa6e2cdf08f85ad520b7f23ffb40371a7bfedc9');
INSERT INTO public.audit_chain VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 3, '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a3', '1e8dd47be05f753a8ea332a1087ae8bd06ba2ecc38f7fd5d9e249ed3ef564393');
INSERT INTO public.audit_chain VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 4, '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a4', '16d7877acaf83a9b3faf1d844fbbafc51225fa62c8e2600959ebd94299b97d8f');
INSERT INTO public.audit_chain VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 5, '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a5', '052351c91d769b96e5d9063ab75de8520e5bdc9795201f3231d6d19e8ef6edd3');
INSERT INTO public.audit_chain VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 6, '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a6', '826dea3844f6360f0a0b35424f946743877a007be80b3851fad170a7e620d7f0');
INSERT INTO public.audit_chain VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 7, '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a7', '9d3863827772e4c1d2e08e4c23c991510befaa0a4587f274a3f4967351a1fcb1');
INSERT INTO public.audit_chain VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 8, '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a8', 'b25d8a8bce89ef0fdfcbbb1b7b0e9c0748a24088458e1e0cda615fae765e0c07');
INSERT INTO public.audit_chain VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 9, '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a9', '36e0cc313a73cddf4076b84f01fd958483bb0ffab03fdeebb9b3272b816deb49');
INSERT INTO public.audit_chain VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 10, '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a10', 'fca01d0f0c33149b61a168a9302d7ec531c15c869d5599a8ae4c1e8b9f1c33b1');
INSERT INTO public.audit_chain VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 11, '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a11', '9fca1bd0c07921d926c3f17b8a0e37b51a4cf02a7fc5c722a45790d86ed145a4');


--
-- Data for Name: audit_head; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit_head VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 'over-65f96716', 11, '9fca1bd0c07921d926c3f17b8a0e37b51a4cf02a7fc5c722a45790d86ed145a4', 11);


--
-- Data for Name: audit_log_y2026m11; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit_log_y2026m11 VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a1', 1795858424388, 'over-65f96716', '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 1, 'SESSION_STARTED', 'ann', NULL, '{"userId":"ann","title":{"bytes":15,"sha256":"e4dde8c2cc80cdd2173d5e08838a5cf1bcedf2eaf92aeda0b1281d6248d1f2da"}}');
INSERT INTO public.audit_log_y2026m11 VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a2', 1795858424388, 'over-65f96716', '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 2, 'CHAT_MESSAGE', 'ann', NULL, '{"userId":"ann","message":{"messageId":"question-ended","parentId":null,"role":"user","text":{"bytes":15,"sha256":"e4dde8c2cc80cdd2173d5e08838a5cf1bcedf2eaf92aeda0b1281d6248d1f2da"},"status":"complete","createdAt":1795858424388,"author":"ann"}}');
INSERT INTO public.audit_log_y2026m11 VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a3', 1795858424388, 'over-65f96716', '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 3, 'STREAM_STARTED', 'ann', 'ended', '{"userId":"ann","runId":"ended","parentId":"question-ended","model":"count","startedAt":1795858424388}');
INSERT INTO public.audit_log_y2026m11 VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a4', 1795858424504, 'over-65f96716', '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 4, 'STREAM_COMPLETED', 'ann', 'ended', '{"userId":"ann","runId":"ended","parentId":"question-ended","model":"count","epoch":1,"owner":"ai-0.a049c5516c9e","startedAt":1795858424388,"reason":"complete","bytes":159,"sha256":"3df2b07a9407c71b881ffecb83a378be0e191afbb9fe5702388aafc99bebe5dd","usage":{"promptTokens":4,"completionTokens":20},"endedAt":1795858424504,"text":{"bytes":159,"sha256":"3df2b07a9407c71b881ffecb83a378be0e191afbb9fe5702388aafc99bebe5dd"}}');
INSERT INTO public.audit_log_y2026m11 VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a5', 1795858424520, 'over-65f96716', '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 5, 'CHAT_MESSAGE', 'ann', NULL, '{"userId":"ann","message":{"messageId":"question-failed","parentId":"ended","role":"user","text":{"bytes":22,"sha256":"0f1f874ea80f6b9636628ad3e5f182bc47943cc43ac7349e50fcf6300cde74ae"},"status":"complete","createdAt":1795858424520,"author":"ann"}}');
INSERT INTO public.audit_log_y2026m11 VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a6', 1795858424520, 'over-65f96716', '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 6, 'STREAM_STARTED', 'ann', 'failed', '{"userId":"ann","runId":"failed","parentId":"question-failed","model":"count","startedAt":1795858424520}');
INSERT INTO public.audit_log_y2026m11 VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a7', 1795858424547, 'over-65f96716', '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 7, 'STREAM_ERROR', 'ann', 'failed', '{"userId":"ann","runId":"failed","parentId":"question-failed","model":"count","epoch":1,"owner":"ai-0.a049c5516c9e","startedAt":1795858424520,"reason":"failed","bytes":39,"sha256":"d8986ff44432b4ecd1e54754571a43c1a92972283c1b3f6e3faffd3a38c5d7c3","usage":{"promptTokens":49,"completionTokens":10},"error":{"code":"model-failed","message":"The count failed after 5 words, as it was asked to."},"endedAt":1795858424547,"text":{"bytes":39,"sha256":"d8986ff44432b4ecd1e54754571a43c1a92972283c1b3f6e3faffd3a38c5d7c3"}}');
INSERT INTO public.audit_log_y2026m11 VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a8', 1795858424555, 'over-65f96716', '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 8, 'CHAT_MESSAGE', 'ann', NULL, '{"userId":"ann","message":{"messageId":"question-deleted","parentId":"failed","role":"user","text":{"bytes":14,"sha256":"e126dfb932a13dc090bd1e7599b6455c681a793a019461d41e657f69e7550933"},"status":"complete","createdAt":1795858424555,"author":"ann"}}');
INSERT INTO public.audit_log_y2026m11 VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a9', 1795858424555, 'over-65f96716', '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 9, 'STREAM_STARTED', 'ann', 'deleted', '{"userId":"ann","runId":"deleted","parentId":"question-deleted","model":"count","startedAt":1795858424555}');
INSERT INTO public.audit_log_y2026m11 VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a10', 1795858424595, 'over-65f96716', '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 10, 'STREAM_COMPLETED', 'ann', 'deleted', '{"userId":"ann","runId":"deleted","parentId":"question-deleted","model":"count","epoch":1,"owner":"ai-0.a049c5516c9e","startedAt":1795858424555,"reason":"complete","bytes":63,"sha256":"b39b7458bbe5c63ad73675e8be9e788451126646e58b963a47fcd79cd4aedd48","usage":{"promptTokens":4,"completionTokens":8},"endedAt":1795858424595,"text":{"bytes":63,"sha256":"b39b7458bbe5c63ad73675e8be9e788451126646e58b963a47fcd79cd4aedd48"}}');
INSERT INTO public.audit_log_y2026m11 VALUES ('4dd7e45c-bdea-40ea-9ddc-7321b35b13cb:a11', 1795858424643, 'over-65f96716', '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 11, 'MESSAGE_DELETED', 'ann', NULL, '{"userId":"ann","messageId":"deleted"}');


--
-- Data for Name: audit_state; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: chat_session; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.chat_session VALUES ('over-65f96716', 'ann', '4dd7e45c-bdea-40ea-9ddc-7321b35b13cb', 'count 20 at 200', 1795858424388, 1795858424595, 0, NULL, NULL);


--
-- Data for Name: dead_letter; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: message; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.message VALUES ('over-65f96716', 'question-ended', 'ann', 1795858424388002, NULL, 'user', 'count 20 at 200', 'complete', NULL, 'ann', 1795858424388, '''20'' ''200'' ''=ann'' ''at'' ''count''');
INSERT INTO public.message VALUES ('over-65f96716', 'ended', 'ann', 1795858424504004, 'question-ended', 'assistant', 'w000001 w000002 w000003 w000004 w000005 w000006 w000007 w000008 w000009 w000010 w000011 w000012 w000013 w000014 w000015 w000016 w000017 w000018 w000019 w000020', 'complete', 'count', NULL, 1795858424388, '''=ann'' ''w000001'' ''w000002'' ''w000003'' ''w000004'' ''w000005'' ''w000006'' ''w000007'' ''w000008'' ''w000009'' ''w000010'' ''w000011'' ''w000012'' ''w000013'' ''w000014'' ''w000015'' ''w000016'' ''w000017'' ''w000018'' ''w000019'' ''w000020''');
INSERT INTO public.message VALUES ('over-65f96716', 'question-failed', 'ann', 1795858424520005, 'ended', 'user', 'count 20 at 200 fail 5', 'complete', NULL, 'ann', 1795858424520, '''20'' ''200'' ''5'' ''=ann'' ''at'' ''count'' ''fail''');
INSERT INTO public.message VALUES ('over-65f96716', 'failed', 'ann', 1795858424547007, 'question-failed', 'assistant', 'w000001 w000002 w000003 w000004 w000005', 'failed', 'count', NULL, 1795858424520, '''=ann'' ''w000001'' ''w000002'' ''w000003'' ''w000004'' ''w000005''');
INSERT INTO public.message VALUES ('over-65f96716', 'question-deleted', 'ann', 1795858424555008, 'failed', 'user', 'count 8 at 200', 'complete', NULL, 'ann', 1795858424555, '''200'' ''8'' ''=ann'' ''at'' ''count''');
INSERT INTO public.message VALUES ('over-65f96716', 'deleted', 'ann', 1795858424595010, 'question-deleted', 'assistant', '', 'deleted', 'count', NULL, 1795858424555, '''=ann''');


--
-- Data for Name: migrations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.migrations VALUES (1, 1700000000002, 'Initial1700000000002');
INSERT INTO public.migrations VALUES (2, 1700000000003, 'SearchByUser1700000000003');
INSERT INTO public.migrations VALUES (3, 1700000000004, 'TrailByHead1700000000004');


--
-- Data for Name: run; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.run VALUES ('over-65f96716', 'ended', 'count', 1795858424388, 22, 1795858424504, 'complete', 1, NULL, NULL);
INSERT INTO public.run VALUES ('over-65f96716', 'deleted', 'count', 1795858424555, 6, 1795858424595, 'complete', 1, NULL, NULL);
INSERT INTO public.run VALUES ('over-65f96716', 'failed', 'count', 1795858424520, 8, 1795858424547, 'failed', 1, NULL, NULL);


--
-- Data for Name: stream_chunk; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.stream_chunk VALUES ('over-65f96716', 'ended', 1, 0, 1795858424388, 0, '[[4,22,7],[5,22,8],[6,26,8],[7,32,8],[8,38,8],[9,40,8],[10,47,8],[11,52,8],[12,57,8],[13,63,8],[14,66,8],[15,72,8],[16,76,8],[17,82,8],[18,87,8],[19,91,8],[20,96,8],[21,102,8],[22,106,8],[23,114,8]]');
INSERT INTO public.stream_chunk VALUES ('over-65f96716', 'failed', 1, 0, 1795858424520, 0, '[[27,8,7],[28,10,8],[29,16,8],[30,22,8],[31,26,8]]');
INSERT INTO public.stream_chunk VALUES ('over-65f96716', 'deleted', 1, 0, 1795858424555, 0, '[[35,6,7],[36,10,8],[37,14,8],[38,19,8],[39,25,8],[40,29,8],[41,35,8],[42,40,8]]');


--
-- Name: migrations_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.migrations_id_seq', 3, true);


--
-- Name: migrations PK_8c82d7f526340ab734260ea46be; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.migrations
    ADD CONSTRAINT "PK_8c82d7f526340ab734260ea46be" PRIMARY KEY (id);


--
-- Name: audit_chain audit_chain_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_chain
    ADD CONSTRAINT audit_chain_pkey PRIMARY KEY (log_id, sequence);


--
-- Name: audit_head audit_head_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_head
    ADD CONSTRAINT audit_head_pkey PRIMARY KEY (log_id);


--
-- Name: audit_log audit_log_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (log_id, sequence, "time");


--
-- Name: audit_log_y2026m11 audit_log_y2026m11_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_log_y2026m11
    ADD CONSTRAINT audit_log_y2026m11_pkey PRIMARY KEY (log_id, sequence, "time");


--
-- Name: audit_state audit_state_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_state
    ADD CONSTRAINT audit_state_pkey PRIMARY KEY (name);


--
-- Name: chat_session chat_session_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.chat_session
    ADD CONSTRAINT chat_session_pkey PRIMARY KEY (conversation_id);


--
-- Name: dead_letter dead_letter_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.dead_letter
    ADD CONSTRAINT dead_letter_pkey PRIMARY KEY (origin);


--
-- Name: message message_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_pkey PRIMARY KEY (conversation_id, message_id);


--
-- Name: run run_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.run
    ADD CONSTRAINT run_pkey PRIMARY KEY (conversation_id, run_id);


--
-- Name: stream_chunk stream_chunk_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.stream_chunk
    ADD CONSTRAINT stream_chunk_pkey PRIMARY KEY (conversation_id, run_id, epoch, batch);


--
-- Name: audit_log_of_conversation; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_log_of_conversation ON ONLY public.audit_log USING btree (conversation_id, "time");


--
-- Name: audit_log_of_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_log_of_user ON ONLY public.audit_log USING btree (user_id, "time");


--
-- Name: audit_log_y2026m11_conversation_id_time_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_log_y2026m11_conversation_id_time_idx ON public.audit_log_y2026m11 USING btree (conversation_id, "time");


--
-- Name: audit_log_y2026m11_user_id_time_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_log_y2026m11_user_id_time_idx ON public.audit_log_y2026m11 USING btree (user_id, "time");


--
-- Name: chat_session_of_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX chat_session_of_user ON public.chat_session USING btree (user_id, updated_at);


--
-- Name: message_in_order; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_in_order ON public.message USING btree (conversation_id, "position");


--
-- Name: message_of_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_of_user ON public.message USING btree (user_id, "position");


--
-- Name: message_search; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX message_search ON public.message USING gin (search) WITH (gin_pending_list_limit='256');


--
-- Name: run_by_name; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX run_by_name ON public.run USING btree (run_id);


--
-- Name: run_by_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX run_by_time ON public.run USING btree (started_at);


--
-- Name: audit_log_y2026m11_conversation_id_time_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.audit_log_of_conversation ATTACH PARTITION public.audit_log_y2026m11_conversation_id_time_idx;


--
-- Name: audit_log_y2026m11_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.audit_log_pkey ATTACH PARTITION public.audit_log_y2026m11_pkey;


--
-- Name: audit_log_y2026m11_user_id_time_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.audit_log_of_user ATTACH PARTITION public.audit_log_y2026m11_user_id_time_idx;


--
-- PostgreSQL database dump complete
--

\unrestrict YoMU5rLn7dQ7Io8C8VehOcZzKsyxtI2J17pgRodEBIWzYCE94RSd9XRFqw2Njfx

